"""A look at an address through a forward proxy."""

import ssl
from typing import Any

import httpcore
import httpx

from voucher_payment_gateway.api.arguments import read_certificates
from voucher_payment_gateway.api.proxy import Proxy

__all__ = [
    "CertificatesError",
    "ProxyRefusedError",
    "ProxyUnreachableError",
    "read_date_through",
    "trusted_context",
]


CONNECTED = "connection.connect_tcp.complete"
"""What httpcore reports once there is a connection to the proxy."""


class CertificatesError(Exception):
    """CA_FILE holds no certificate that can be read."""


class ProxyRefusedError(Exception):
    """The proxy does not connect; the message is its answer."""


class ProxyUnreachableError(Exception):
    """No connection to the proxy at this address comes about; ``reason`` is the error of the socket."""

    def __init__(self, url: str, reason: Exception) -> None:
        super().__init__(url)
        self.reason = reason


def trusted_context(ca_file: str) -> ssl.SSLContext:
    """Return a context that trusts the same authorities as the client."""
    if not ca_file:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return read_certificates(ca_file)
    except ValueError:
        raise CertificatesError from None


def read_date_through(proxy: Proxy, url: str, ca_file: str, timeout_seconds: float) -> str:
    """Return the ``Date`` header of the answer to a HEAD request. Raises the error of the socket, or of the proxy."""
    passed: set[str] = set()

    def note(step: str, _: dict[str, Any]) -> None:
        passed.add(step)

    context = trusted_context(ca_file)
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout_seconds)
    encrypted = context if proxy.is_encrypted else None
    try:
        with httpcore.HTTPProxy(
            proxy.url, proxy_auth=proxy.auth, ssl_context=context, proxy_ssl_context=encrypted
        ) as pool:
            answer = pool.request("HEAD", url, extensions={"timeout": timeouts, "trace": note})
    except httpcore.ProxyError as error:
        raise ProxyRefusedError(str(error)) from None
    except (httpcore.NetworkError, httpcore.TimeoutException) as error:
        reason = _of_socket(error)
        if CONNECTED not in passed:
            raise ProxyUnreachableError(proxy.url, reason) from None
        raise reason from None
    return next((value.decode("latin-1") for name, value in answer.headers if name.lower() == b"date"), "")


def _of_socket(error: Exception) -> Exception:
    """Return the error of the socket or of TLS, which httpcore wraps as an argument of its own."""
    return next((inner for inner in error.args if isinstance(inner, Exception)), error)
