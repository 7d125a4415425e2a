"""One time for the shop and the Voucher Cloud: it stands still until somebody moves it.

The shop's instants, its monotonic clock and its pauses come from the clock of the local Voucher Cloud, so a frozen
worker wakes up later, and a day passes in a fraction of a second and the same way each time.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest import mock

from django.utils import timezone

from voucher_payment_gateway.api import _drivers, _retry, _steps
from voucher_payment_gateway.api._auth import keeper
from voucher_payment_gateway.api._http import send_window
from voucher_payment_gateway.gateway.operations import execute
from voucher_payment_gateway.gateway.verbs import authorize_selected
from voucher_payment_gateway.sandbox import Clock

__all__ = ["shared_time"]

READERS = (keeper, send_window, _drivers, _steps)
"""The modules of the client that look at the monotonic clock or pause."""


@contextmanager
def shared_time(clock: Clock, random) -> Iterator[None]:
    """Have the shop live by ``clock``, one thing after the other; the length of its pauses is drawn from
    ``random``."""

    def monotonic() -> float:
        return clock.now().timestamp()

    watch = SimpleNamespace(monotonic=monotonic, sleep=clock.advance)
    with ExitStack() as patches:
        for module in READERS:
            patches.enter_context(mock.patch.object(module, "time", watch))
        patches.enter_context(mock.patch.object(execute, "monotonic", monotonic))
        patches.enter_context(mock.patch.object(authorize_selected, "AT_ONCE", 1))
        patches.enter_context(mock.patch.object(_retry, "_RANDOM", random))
        patches.enter_context(mock.patch.object(timezone, "now", clock.now))
        yield
