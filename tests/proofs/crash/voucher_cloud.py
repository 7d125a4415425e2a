"""A local Voucher Cloud that may kill a process while a request of it is in flight."""

import os
import signal
from dataclasses import dataclass, field

from voucher_payment_gateway.sandbox import LocalVoucherCloud, Request, Response

__all__ = ["LATE_SECONDS", "KillingCloud"]

LATE_SECONDS = 600
"""Maximum seconds in flight after the caller's timeout: less than ``REFUND_GRACE_SECONDS``."""


@dataclass
class _Watch:
    pid: int
    fatal_request: int | None
    seen: int = field(default=0)


class KillingCloud(LocalVoucherCloud):
    """Counts the requests of the watched process; the fatal one arrives, is processed, and its process is killed."""

    _watch: _Watch | None = None

    def watch(self, pid: int, fatal_request: int | None) -> None:
        self._watch = _Watch(pid, fatal_request)

    def unwatch(self) -> int:
        """Return the number of requests since ``watch``, without token requests."""
        assert self._watch is not None
        watch, self._watch = self._watch, None
        return watch.seen

    def answer(self, request: Request) -> Response:
        watch = self._watch
        if watch and request.path.startswith("/v1/"):
            with self.store.lock:
                watch.seen += 1
                if watch.seen == watch.fatal_request:
                    os.kill(watch.pid, signal.SIGKILL)
        return super().answer(request)
