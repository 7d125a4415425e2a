"""The send window: refuses to write a request after a given monotonic instant."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from voucher_payment_gateway.api._steps import Deadline
from voucher_payment_gateway.rules.timing import may_begin

_WRITING = frozenset({"http11.send_request_headers.started", "http2.send_request_headers.started"})
_window: ContextVar[float] = ContextVar("send_before", default=float("inf"))


@contextmanager
def send_before(monotonic_instant: float) -> Iterator[None]:
    """Start no request of this thread or task after this instant of ``time.monotonic()``.

    A request whose write to the socket would start later raises UnavailableError with the code
    ``send_window_passed`` instead: nothing was sent, no money moved.
    A nested window can only narrow the outer one. Raises ValueError for an instant that is not a number.
    """
    if math.isnan(monotonic_instant):
        raise ValueError("monotonic_instant: must be an instant of time.monotonic()")
    token = _window.set(min(monotonic_instant, _window.get()))
    try:
        yield
    finally:
        _window.reset(token)


class NotSentError(Exception):
    """It was too late to write the request."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class SendGuard:
    """Guards the write of one request, and knows whether it started."""

    def __init__(self, deadline: Deadline, *, reports_writes: bool) -> None:
        """``reports_writes``: the transport reports its writes; otherwise the hand-over counts as the write."""
        self.deadline = deadline
        self._window = _window.get()
        self._reports_writes = reports_writes
        self.began = False

    def check(self) -> None:
        """Raise NotSentError where it is too late to start."""
        now = time.monotonic()
        if not may_begin(now, self._window):
            raise NotSentError("send window passed", "send_window_passed")
        if now >= self.deadline.at:
            raise NotSentError("deadline")
        self.began = self.began or not self._reports_writes

    def before_write(self, content: bytes) -> None:
        """Check again at the last moment, as opening a connection may have taken seconds. A proxy is asked for it by a
        request of its own, which tells the Voucher Cloud nothing."""
        if not self.began:  # what has begun is no longer certain not to be sent
            self.check()
            self.began = not content.startswith(b"CONNECT ")

    def trace(self, event: str, info: object) -> None:
        """The same, for a transport of httpx that reports its steps."""
        if event in _WRITING:
            self.check()
            self.began = self.began or not _asks_a_proxy(info)

    async def atrace(self, event: str, info: object) -> None:
        self.trace(event, info)


present_guard: ContextVar[SendGuard | None] = ContextVar("guard", default=None)
"""That of the request which this thread sends."""


def _asks_a_proxy(info: object) -> bool:
    request = info.get("request") if isinstance(info, dict) else None
    return getattr(request, "method", b"") == b"CONNECT"
