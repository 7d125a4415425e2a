"""A forward proxy: its address, and the user and password that it may want, which are shown nowhere."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from voucher_payment_gateway.api.arguments import is_loopback
from voucher_payment_gateway.unpicklable import Unpicklable

__all__ = ["Proxy", "proxy_for", "proxy_of"]

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy(Unpicklable):
    """``url`` holds no user and no password."""

    url: str
    auth: tuple[bytes, bytes] | None = field(repr=False)

    @property
    def is_encrypted(self) -> bool:
        """Whether the proxy itself is spoken to over TLS."""
        return self.url.startswith("https:")


def proxy_of(url: str) -> Proxy | None:
    """Return the proxy at a checked ``url``, such as ``http://user:password@proxy.example:3128``; None for none."""
    if not url:
        return None
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    auth = None
    if parts.username is not None:
        auth = (unquote(parts.username).encode(), unquote(parts.password or "").encode())
    return Proxy(f"{scheme}://{host}:{parts.port or PORTS[scheme]}", auth)


def proxy_for(url: str, proxy_url: str) -> Proxy | None:
    """Return the proxy of ``proxy_url`` through which ``url`` is called; None for this machine, which is called
    directly: a proxy would read what is sent there without TLS, and its own loopback is another machine."""
    return None if is_loopback(urlsplit(url).hostname or "") else proxy_of(proxy_url)
