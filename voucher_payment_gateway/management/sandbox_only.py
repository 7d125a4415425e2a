"""Restrict commands that move money as a test to hosts without real money: the vendor's sandbox, or loopback."""

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
"""So strict that two URL parsers cannot find different hosts in the same address."""


class SandboxOnlyError(Exception):
    """The settings name a host where money may be real."""


def require_sandbox(settings: GatewaySettings, command: str) -> None:
    """Raise SandboxOnlyError unless every address is allowed. Sends nothing and resolves no name.

    It is an allowlist: the name of any other host does not tell what runs behind it.
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
    # An IPv4-mapped IPv6 address is refused: its meaning depends on the system.
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None
