"""The async form of a verb: it runs on a thread of the gateway's own, so that many tasks wait for the Voucher Cloud at
the same time.

``sync_to_async`` alone would run all tasks outside of a request on one thread, one after the other. Inside ``atomic()``
a verb stays on the thread that has the transaction open, as all of Django does: only there its rows are visible.
"""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import SyncToAsync, sync_to_async
from django.core.signals import setting_changed
from django.db import close_old_connections, connections

from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.opaque import opaque_arguments

__all__ = ["code_to_async", "verb_to_async"]

P = ParamSpec("P")
T = TypeVar("T")

_pool: ThreadPoolExecutor | None = None
_lock = Lock()
_is_in_verb: ContextVar[bool] = ContextVar("is_in_verb", default=False)
"""Whether an async verb is being run, on its thread or on one that works for it."""


class VerbToAsync(SyncToAsync[P, T]):
    """``sync_to_async`` for a verb. A task that is cancelled leaves the verb to its thread, which writes its outcome
    down."""

    async def __call__(self, *args: Any, **kwargs: Any) -> T:
        if await _is_bound():
            return await super().__call__(*args, **kwargs)
        verb: Any = _with_django_connections(self.func)
        on_own_thread: SyncToAsync[..., T] = SyncToAsync(verb, thread_sensitive=False, executor=_threads())
        return await on_own_thread(*args, **kwargs)


class CodeToAsync(VerbToAsync[P, T]):
    """The same for a verb with a ``code``: it is opaque before another thread and its frames see it."""

    async def __call__(self, *args: Any, **kwargs: Any) -> T:
        args, kwargs = opaque_arguments(self.func, args, kwargs)
        return await super().__call__(*args, **kwargs)


def verb_to_async(verb: Callable[P, T]) -> VerbToAsync[P, T]:
    """Return the async form of ``verb``."""
    return VerbToAsync(verb)


def code_to_async(verb: Callable[P, T]) -> CodeToAsync[P, T]:
    """Return the async form of a verb with a ``code``."""
    return CodeToAsync(verb)


@sync_to_async
def _is_bound() -> bool:
    """Return whether the verb stays on this thread, the one on which Django runs the caller's queries: it has a
    transaction open, or a database in memory, whose rows no other thread sees; or an async verb is being run on it.
    Were all threads of the pool to wait for others of the pool, none would go on."""
    if _is_in_verb.get():
        return True
    default: Any = connections[database()]
    if default.vendor == "sqlite" and default.is_in_memory_db():
        return True
    return any(
        each.in_atomic_block or (each.connection is not None and not each.get_autocommit())
        for each in connections.all(initialized_only=True)
    )


@functools.cache
def _with_django_connections(verb: Callable[P, T]) -> Callable[P, T]:
    """Return ``verb`` with the connections of its thread closed as Django closes them around a request: those that are
    broken, or older than ``CONN_MAX_AGE``."""

    @functools.wraps(verb)
    def closing(*args: P.args, **kwargs: P.kwargs) -> T:
        token = _is_in_verb.set(True)
        close_old_connections()
        try:
            return verb(*args, **kwargs)
        finally:
            close_old_connections()
            _is_in_verb.reset(token)

    return closing


def _threads() -> ThreadPoolExecutor:
    """Return the pool of this process; its threads are started as they are needed, and finish what they do before the
    process ends."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(
                gateway_settings().ASYNC_THREADS,
                thread_name_prefix="voucher-verb",
            )
        return _pool


def _forget_pool() -> None:
    """A process that was forked has none of its parent's threads, and perhaps its lock."""
    global _pool, _lock
    _pool, _lock = None, Lock()


def _close_pool(*, setting: str, **_: object) -> None:
    global _pool
    if setting == NAME:
        with _lock:
            closed, _pool = _pool, None
        if closed is not None:
            closed.shutdown(wait=False)


os.register_at_fork(after_in_child=_forget_pool)
setting_changed.connect(_close_pool, dispatch_uid="voucher_payment_gateway.asynchronous")
