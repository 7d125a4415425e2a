"""Commands that move money to try something run where none is real: on the vendor's sandbox host, or on loopback."""

import ipaddress
import re
from urllib.parse import urlsplit

from voucher_payment_gateway.api import SANDBOX
from voucher_payment_gateway.conf import GatewaySettings

__all__ = ["SANDBOX_HOST", "SandboxOnlyError", "require_sandbox"]

SANDBOX_HOST = urlsplit(SANDBOX).hostname

ADDRESS = re.compile(
    r"(https?)://(?:([a-z0-9.-]+)|\[([0-9a-f:.]+)\])(?::[0-9]+)?(?:/[a-z0-9._/-]*)?", re.ASCII | re.IGNORECASE
)
"""So plain that no two readers of an address can find different hosts in it."""


class SandboxOnlyError(Exception):
    """These settings lead to where real money is."""


def require_sandbox(settings: GatewaySettings, command: str) -> None:
    """Return where every address is allowed. Raises SandboxOnlyError; nothing is sent, no name is looked up.

    It is a list of what is allowed: of any other host, nobody can tell by its name what stands behind it.
    """
    if settings.ENVIRONMENT == "production":
        raise SandboxOnlyError(f'{command} moves money. It does not run where ENVIRONMENT is "production".')
    for key, url in (("BASE_URL", settings.base_url), ("TOKEN_URL", settings.TOKEN_URL or settings.base_url)):
        if not _is_allowed(url):
            raise SandboxOnlyError(
                f"{command} moves money. It runs only against {SANDBOX_HOST} or a loopback address such as "
                f"127.0.0.1, and {key} is neither: take {key} out of the settings."
            )


def _is_allowed(url: str) -> bool:
    found = ADDRESS.fullmatch(url)
    if found is None:
        return False
    scheme, name, ipv6 = (part.lower() if part else "" for part in found.groups())
    if ipv6:
        return _is_loopback(ipv6, ipaddress.IPv6Address)
    return (
        (scheme, name) == ("https", SANDBOX_HOST)
        or name == "localhost"
        or _is_loopback(name, ipaddress.IPv4Address)
    )


def _is_loopback(text: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    try:
        address = kind(text)
    except ValueError:
        return False
    # An IPv4 address inside of an IPv6 one is left out: what it means is the system's choice.
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None
