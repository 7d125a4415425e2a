"""The probe moves money, so it never runs against production, whatever that is called."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from voucher_payment_gateway.api import PRODUCTION
from voucher_payment_gateway.conf import LOOPBACK_HOSTS, GatewaySettings

__all__ = ["ProductionError", "refuse_production"]

PRODUCTION_HOST = urlsplit(PRODUCTION).hostname


class ProductionError(Exception):
    """These settings lead to production."""


def names_of(host: str) -> set[str]:
    """Return every name that a host's name leads to; none where nobody knows it."""
    try:
        canonical, aliases, _ = socket.gethostbyname_ex(host)
    except (OSError, UnicodeError):
        return set()
    return {canonical, *aliases}


def refuse_production(given: GatewaySettings, resolve: Callable[[str], set[str]] = names_of) -> None:
    """Raise ProductionError where the environment, or a host by its name or by another name of it, is production.

    A proxy in front of production cannot be told by its name: that is for the operator to know.
    """
    if given.ENVIRONMENT == "production":
        raise ProductionError('The probe moves money. It refuses to run where ENVIRONMENT is "production".')
    for key, url in (("BASE_URL", given.base_url), ("TOKEN_URL", given.TOKEN_URL)):
        host = urlsplit(url).hostname or ""
        known_as = {host} if host in LOOPBACK_HOSTS or not host else {host, *resolve(host)}
        if PRODUCTION_HOST in {name.lower().rstrip(".") for name in known_as}:
            raise ProductionError(f"The probe moves money, and {key} leads to production: it refuses to run.")
