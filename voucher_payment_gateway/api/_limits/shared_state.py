"""Use the store of the limits, tolerating its errors and timeouts: at worst a process knows what it has seen itself."""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from voucher_payment_gateway.api._auth.shared_token import BoundedCall
from voucher_payment_gateway.api._steps import Flow
from voucher_payment_gateway.api.limits import LimitStore
from voucher_payment_gateway.log_events import ApiEvents

WAIT_SECONDS = 0.2
LOOK_SECONDS = 1.0
"""How old what a process knows of the others may be."""

LOG_SECONDS = 600.0

Got = TypeVar("Got")


class SharedState:
    """The store of the limits, if there is one."""

    def __init__(self, store: LimitStore | None) -> None:
        self._store = store
        self._call = BoundedCall()
        self._looked_at = self._logged_at = float("-inf")

    def is_due(self, now: float) -> bool:
        """Return whether what is known is a second old."""
        return self._store is not None and now - self._looked_at >= LOOK_SECONDS

    def must_look(self, now: float) -> bool:
        """Return whether the caller is to look, as the first one in a second."""
        if not self.is_due(now):
            return False
        self._looked_at = now
        return True

    def open_seconds(self) -> Flow[float | Exception | None]:
        """Return for how long nothing is sent, 0 where a call may try again, None where the circuit is closed; an
        exception where the store does not know."""
        until = yield from self._ask(lambda store: store.open_until())
        if until is None or isinstance(until, Exception):
            return until
        return max(0.0, float(until) - time.time()) if isinstance(until, int | float) else TypeError()

    def open(self, seconds: float) -> Flow[None]:
        until = time.time() + seconds
        yield from self._ask(lambda store: store.open(until))

    def close(self) -> Flow[None]:
        yield from self._ask(lambda store: store.close())

    def claims_probe(self, seconds: float) -> Flow[bool]:
        """Return whether this process may try; true where the store does not know."""
        claimed = yield from self._ask(lambda store: store.claim_probe(seconds))
        return claimed is not False

    def release_probe(self) -> Flow[None]:
        yield from self._ask(lambda store: store.release_probe())

    def count(self, second: int) -> Flow[int | None]:
        """Return the calls of all processes in this second; None where the store does not know."""
        counted = yield from self._ask(lambda store: store.count(second))
        return counted if isinstance(counted, int) else None

    def _ask(self, what: Callable[[LimitStore], object]) -> Flow[object]:
        if self._store is None:
            return None
        result = yield from self._call.ask(partial(what, self._store), WAIT_SECONDS)
        if isinstance(result, BaseException):
            self._log(result)
            return result if isinstance(result, Exception) else TimeoutError()
        return result

    def _log(self, error: BaseException) -> None:
        now = time.monotonic()
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            ApiEvents.limit_store_failed.log(exception=type(error).__name__)
