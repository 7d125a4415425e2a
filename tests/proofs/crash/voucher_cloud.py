"""The local Voucher Cloud that watches a process, and may kill it while a request of it is under way."""

import os
import signal
from dataclasses import dataclass, field

from voucher_payment_gateway.sandbox import LocalVoucherCloud, Request, Response

__all__ = ["LATE_SECONDS", "DeadlyCloud"]

LATE_SECONDS = 600
"""So late a request may be processed after its caller gave up: less than ``REFUND_GRACE_SECONDS``."""


@dataclass
class _Watch:
    pid: int
    deadly_request: int | None
    seen: int = field(default=0)


class DeadlyCloud(LocalVoucherCloud):
    """Counts the requests of the process it watches; the one that is deadly arrives whole and is processed."""

    _watch: _Watch | None = None

    def watch(self, pid: int, deadly_request: int | None) -> None:
        self._watch = _Watch(pid, deadly_request)

    def unwatch(self) -> int:
        """Return how many requests came in meanwhile, token requests left out."""
        assert self._watch is not None
        watch, self._watch = self._watch, None
        return watch.seen

    def answer(self, request: Request) -> Response:
        watch = self._watch
        if watch and request.path.startswith("/v1/"):
            with self.store.lock:
                watch.seen += 1
                if watch.seen == watch.deadly_request:
                    os.kill(watch.pid, signal.SIGKILL)
        return super().answer(request)
