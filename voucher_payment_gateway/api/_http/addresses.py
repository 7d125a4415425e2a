"""Where a request goes: its address, taken apart once for each host that is called."""

import functools
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore

from voucher_payment_gateway.api.arguments import is_loopback

_PARTS = re.compile(r"([a-z]+://[^/?#]*)([^#]*)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Host:
    """One scheme, host and port."""

    scheme: bytes
    name: bytes
    port: int
    header: bytes
    """The value of the header ``Host``."""
    base: bytes
    """Its whole name, the same for every way to write it."""
    is_this_machine: bool
    """Called directly: a proxy would read what is sent there without TLS, and its own loopback is another machine."""

    def url(self, target: bytes) -> httpcore.URL:
        return httpcore.URL(scheme=self.scheme, host=self.name, port=self.port, target=target)

    def origin(self) -> httpcore.Origin:
        return httpcore.Origin(self.scheme, self.name, self.port)


def address(url: str) -> tuple[Host, bytes]:
    """Return the host of ``url``, and the path with its query. Raises httpcore.UnsupportedProtocol for no address."""
    parts = _PARTS.match(url)
    if parts is None:
        raise httpcore.UnsupportedProtocol("no address")
    target = parts[2].encode("ascii")
    return _host(parts[1]), target if target.startswith(b"/") else b"/" + target


@functools.lru_cache(maxsize=64)
def _host(start: str) -> Host:
    parts = urlsplit(start)
    name, port = parts.hostname, parts.port
    if not name or parts.scheme not in _DEFAULT_PORTS:
        raise httpcore.UnsupportedProtocol("neither http:// nor https://")
    default = _DEFAULT_PORTS[parts.scheme]
    written = f"[{name}]" if ":" in name else name
    header = (written if port in (None, default) else f"{written}:{port}").encode("ascii")
    scheme = parts.scheme.encode("ascii")
    return Host(
        scheme=scheme,
        name=name.encode("ascii"),
        port=port or default,
        header=header,
        base=scheme + b"://" + header,
        is_this_machine=is_loopback(name),
    )
