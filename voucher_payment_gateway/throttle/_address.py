"""The address that a request is counted under: the one that the visitor cannot forge."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from voucher_payment_gateway.settings_sections import UNIX_SOCKET

__all__ = ["address_of"]

logger = logging.getLogger("voucher_payment_gateway")

Address = IPv4Address | IPv6Address
UNKNOWN = "unknown"
IPV6_PREFIX_BITS = 64
"""An IPv6 visitor is known by the network; the rest of the address they may choose freely."""


def address_of(meta: Mapping[str, Any], trusted_proxies: Sequence[str]) -> str:
    """Return the address that a visitor is counted under, IPv6 as its /64.

    This is the peer's address or, if the peer is a trusted proxy, the right-most address in ``X-Forwarded-For`` that is
    no trusted proxy: the visitor may have forged everything left of it. Where that entry is invalid, the last proxy
    before it counts. Visitors without any address are counted together.
    """
    networks = _networks(tuple(trusted_proxies))
    peer = str(meta.get("REMOTE_ADDR") or "")
    nearest = _parse(peer)
    if not _is_trusted(nearest, UNIX_SOCKET in trusted_proxies, networks):
        _warn_of_unnamed_proxy(meta, nearest)
        return _bucket(nearest)
    for hop in reversed(str(meta.get("HTTP_X_FORWARDED_FOR") or "").split(",")):
        address = _parse(hop)
        if address is None:
            break
        nearest = address
        if not _is_trusted(address, False, networks):
            break
    return _bucket(nearest)


def _parse(text: str) -> Address | None:
    """Return the address in ``text``, with or without a port; an IPv4-mapped IPv6 address as IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(
    address: Address | None, unix_sockets: bool, networks: Iterable[IPv4Network | IPv6Network]
) -> bool:
    if address is None:
        return unix_sockets
    return any(address in network for network in networks)


def _bucket(address: Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), IPV6_PREFIX_BITS), strict=False))
    return UNKNOWN if address is None else str(address)


def _warn_of_unnamed_proxy(meta: Mapping[str, Any], peer: Address | None) -> None:
    if "HTTP_X_FORWARDED_FOR" in meta and (peer is None or peer.is_private):
        _warn()


@lru_cache(maxsize=1)
def _warn() -> None:
    """Log once per process, not once per request."""
    logger.warning(
        'throttle: requests come through a proxy that THROTTLE["trusted_proxies"] does not name, so all its visitors '
        "are counted as one address"
    )


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts if text != UNIX_SOCKET)
