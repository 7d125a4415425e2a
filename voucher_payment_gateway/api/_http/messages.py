"""A request as httpcore and httpx take it: its header fields, its body and its timeouts."""

from typing import Any

import httpcore
import httpx

from voucher_payment_gateway.api._http.addresses import Host
from voucher_payment_gateway.api._steps import Deadline, Outgoing

_HAVE_A_BODY = frozenset({"POST", "PATCH"})


def core_request(
    request: Outgoing, host: Host, target: bytes, extensions: dict[str, Any]
) -> httpcore.Request:
    message = httpcore.Request(
        request.method.encode("ascii"), host.url(target), content=request.content, extensions=extensions
    )
    # Set here, as they are bytes already: its constructor would look at each one.
    message.headers = [(b"Host", host.header)]
    message.headers += [
        (name.encode("ascii"), value.encode("ascii")) for name, value in request.headers.items()
    ]
    if request.content or request.method in _HAVE_A_BODY:
        message.headers.append((b"Content-Length", b"%d" % len(request.content)))
    return message


def httpx_request(request: Outgoing, extensions: dict[str, Any]) -> httpx.Request:
    return httpx.Request(
        request.method, request.url, headers=request.headers, content=request.content, extensions=extensions
    )


def timeouts(deadline: Deadline, timeout_seconds: float) -> dict[str, float]:
    """Return the timeouts of one request: each wait ends with the call."""
    left = max(0.002, deadline.remaining_seconds())
    wait = min(timeout_seconds, left)
    # It bounds the connection and the TLS handshake separately; both must end before the deadline cancels
    # them, as httpcore leaves the socket of a cancelled handshake open.
    return {"connect": min(timeout_seconds, left / 2), "read": wait, "write": wait, "pool": wait}
