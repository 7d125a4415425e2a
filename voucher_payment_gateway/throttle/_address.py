"""The address that a request is counted under: the one that the visitor cannot forge."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.settings_sections import UNIX_SOCKET, ProxyHeader
from voucher_payment_gateway.throttle._forwarded import forwarded_hops, x_forwarded_for_hops

__all__ = ["address_of"]

Address = IPv4Address | IPv6Address
HOPS: Mapping[ProxyHeader, Callable[[str], Iterator[str]]] = {
    "X-Forwarded-For": x_forwarded_for_hops,
    "Forwarded": forwarded_hops,
}
UNKNOWN = "unknown"
IPV6_PREFIX_BITS = 64
"""An IPv6 visitor is known by the network; the rest of the address they may choose freely."""


def address_of(
    meta: Mapping[str, Any], trusted_proxies: Sequence[str], proxy_header: ProxyHeader | None = None
) -> str:
    """Return the address that a visitor is counted under, IPv6 as its /64.

    This is the peer's address or, if the peer is a trusted proxy, the right-most address in ``X-Forwarded-For`` or
    ``Forwarded`` that is no trusted proxy: the visitor may have forged everything left of it. Where that entry is
    invalid or hidden, the last proxy before it counts. Visitors without any address are counted together.

    ``proxy_header`` names the header that the proxies write. Where it is not given and both have come, the visitor may
    have written one of them: if they differ, the peer counts.
    """
    networks = _networks(tuple(trusted_proxies))
    peer = _parse(str(meta.get("REMOTE_ADDR") or ""))
    if not _is_trusted(peer, UNIX_SOCKET in trusted_proxies, networks):
        _warn_of_unnamed_proxy(meta, peer)
        return _bucket(peer)
    sent = [name for name in HOPS if meta.get(_key(name)) and proxy_header in (None, name)]
    found = {_visitor(HOPS[name](str(meta[_key(name)])), peer, networks) for name in sent}
    return _bucket(found.pop() if len(found) == 1 else peer)


def _visitor(
    hops: Iterable[str], peer: Address | None, networks: Sequence[IPv4Network | IPv6Network]
) -> Address | None:
    """Return the nearest of the hops, the last one first, that is no trusted proxy."""
    nearest = peer
    for hop in hops:
        address = _parse(hop)
        if address is None:
            break
        nearest = address
        if not _is_trusted(address, False, networks):
            break
    return nearest


def _key(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


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
    if any(_key(name) in meta for name in HOPS) and (peer is None or peer.is_private):
        _warn()


@lru_cache(maxsize=1)
def _warn() -> None:
    """Log once per process, not once per request."""
    RunningEvents.proxy_not_trusted.log()


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts if text != UNIX_SOCKET)
