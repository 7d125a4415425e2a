"""One simulated clock for the shop and the Voucher Cloud.

The shop's instants, its monotonic clock, its sleeps and what its cache remembers follow the clock of the local Voucher
Cloud, which advances only when it is moved. A frozen worker therefore resumes later; a day takes a fraction of a second
and is reproducible.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest import mock

from django.core.cache.backends import base, locmem
from django.utils import timezone

from voucher_payment_gateway.api import _drivers, _flow, _steps, limits
from voucher_payment_gateway.api._auth import keeper
from voucher_payment_gateway.api._http import send_window
from voucher_payment_gateway.gateway.holds import parallel
from voucher_payment_gateway.gateway.operations import execute
from voucher_payment_gateway.gateway.recovery import settle
from voucher_payment_gateway.sandbox import Clock
from voucher_payment_gateway.throttle import _counts

__all__ = ["shared_time"]

READERS = (keeper, send_window, _drivers, _steps)
"""The modules of the client that read the monotonic clock or sleep."""


@contextmanager
def shared_time(clock: Clock, random) -> Iterator[None]:
    """Run the shop on ``clock`` and in one thread; the jitter of its backoff is drawn from ``random``."""

    def monotonic() -> float:
        return clock.now().timestamp()

    watch = SimpleNamespace(monotonic=monotonic, sleep=clock.advance)
    with ExitStack() as patches:
        for module in READERS:
            patches.enter_context(mock.patch.object(module, "time", watch))
        patches.enter_context(mock.patch.object(execute, "monotonic", monotonic))
        patches.enter_context(limits.by_clock(monotonic))
        for module in (base, locmem, _counts):
            patches.enter_context(mock.patch.object(module, "time", SimpleNamespace(time=monotonic)))
        patches.enter_context(mock.patch.object(parallel, "MAX_PARALLEL", 1))
        patches.enter_context(mock.patch.object(settle, "threads_at_once", return_value=1))
        patches.enter_context(mock.patch.object(_flow, "_RANDOM", random))
        patches.enter_context(mock.patch.object(timezone, "now", clock.now))
        yield
