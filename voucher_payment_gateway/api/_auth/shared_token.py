"""Use a shared token store, tolerating its errors and timeouts: at worst a token is requested again."""

from collections.abc import Callable
from functools import partial

from voucher_payment_gateway.api._background import BackgroundCall
from voucher_payment_gateway.api._steps import Deadline, Flow, RunInThread, TimedOut
from voucher_payment_gateway.api._tokens import CachedToken, Token, TokenStore, load_shared
from voucher_payment_gateway.log_events import ApiEvents

WAIT_SHARE = 0.75
"""Share of its timeout that the store may wait for another process; the rest is for its answer."""


class BoundedCall:
    """Third-party code that may hang: waited for with a timeout, and not called again while it still hangs."""

    def __init__(self) -> None:
        self._hanging: TimedOut | None = None

    def ask(
        self, what: Callable[[], object], wait_seconds: float, abandoned: Callable[[], object] | None = None
    ) -> Flow[object]:
        """Return its result or the exception that it raised; TimeoutError where it takes too long."""
        if self._hanging is not None and self._hanging.is_running():
            return TimeoutError()
        result = yield RunInThread(what, wait_seconds, abandoned)
        if isinstance(result, TimedOut):
            self._hanging = result
            return TimeoutError()
        return result


class SharedToken:
    """The token store of the client, if it has one."""

    def __init__(self, store: TokenStore | None) -> None:
        self._store = store
        self._call = BoundedCall()

    def load(self, deadline: Deadline) -> Flow[CachedToken | None]:
        """Return the shared token if it is usable. A caller that gets none requests one, then saves it or gives up."""
        if (store := self._store) is None:
            return None
        wait_seconds = _share(deadline)
        load = partial(load_shared, store, max(0.0, wait_seconds * WAIT_SHARE))
        cached = yield from self._tolerated(load, wait_seconds, lambda: store.give_up())
        return cached if isinstance(cached, CachedToken) else None

    def save(self, token: Token, deadline: Deadline) -> Flow[None]:
        if (store := self._store) is not None:
            yield from self._tolerated(lambda: store.save(token), _share(deadline))

    def forget(self, token: Token, deadline: Deadline) -> Flow[None]:
        if (store := self._store) is not None:
            yield from self._tolerated(lambda: store.forget(token), _share(deadline))

    def give_up(self, deadline: Deadline) -> Flow[None]:
        if (store := self._store) is not None:
            yield from self._tolerated(lambda: store.give_up(), _share(deadline))

    def give_up_beside(self) -> None:
        """Give up without waiting: for a flow that is being closed."""
        if (store := self._store) is not None:
            BackgroundCall(RunInThread(lambda: store.give_up(), 0.0))

    def _tolerated(
        self, what: Callable[[], object], wait_seconds: float, abandoned: Callable[[], object] | None = None
    ) -> Flow[object]:
        result = yield from self._call.ask(what, wait_seconds, abandoned)
        if isinstance(result, BaseException):
            ApiEvents.token_store_failed.log(exception=type(result).__name__)
            return None
        return result


def _share(deadline: Deadline) -> float:
    """Half of the remaining time: the other half is for a token request that may follow."""
    return deadline.remaining_seconds() / 2
