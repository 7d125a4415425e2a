"""Make several calls of the Voucher Cloud at the same time: those of one order, or of one sweep.

What runs in the threads makes calls and nothing else: our rows are read and written by the caller's thread alone, in
its transaction and with its connection to the database.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextvars import copy_context
from threading import Lock
from typing import Any, Generic, TypeVar

from django.db import connections

from voucher_payment_gateway.api.limits import as_one_caller

__all__ = ["as_they_end", "in_parallel"]

MAX_PARALLEL = 8
"""Maximum number of calls of one order that are made at the same time."""

Given = TypeVar("Given")
Got = TypeVar("Got")


def in_parallel(do: Callable[[Given], Got], all_of_them: list[Given]) -> None:
    """Call ``do`` for each, in threads where there are several. All are tried, then the first error is raised."""
    for _ in as_they_end(do, all_of_them):
        pass


def as_they_end(do: Callable[[Given], Got], all_of_them: list[Given]) -> Iterator[tuple[Given, Got]]:
    """Call ``do`` for each, in threads where there are several; yield each with its result as soon as it has ended.

    Each thread has a copy of the caller's context: the span that is being measured, the time zone, the language. All
    are tried, then the first error is raised.
    """
    at_once = min(len(all_of_them), MAX_PARALLEL)
    if at_once < 2:
        for one in all_of_them:
            yield one, do(one)
        return
    do, errors = as_one_caller(do), list[BaseException]()
    calls = [_Call(do, one) for one in all_of_them]
    with ThreadPoolExecutor(at_once, thread_name_prefix="voucher-call") as pool:
        _start(calls, pool)
        given = {each.ended: each.given for each in calls}
        for ended in as_completed(given):
            if error := ended.exception():
                errors.append(error)
            else:
                yield given[ended], ended.result()
    if errors:
        raise errors[0]


class _Call(Generic[Given, Got]):
    """One call, made once, whoever takes it first."""

    def __init__(self, do: Callable[[Given], Got], given: Given) -> None:
        self._do, self.given = do, given
        self._untaken = Lock()
        self.ended: Future[Got] = Future()

    def make(self) -> None:
        """Make the call, unless another thread has taken it."""
        if not self._untaken.acquire(blocking=False):
            return
        try:
            self.ended.set_result(self._do(self.given))
        except BaseException as error:  # raised again where the results are waited for
            self.ended.set_exception(error)

    def make_in_thread(self) -> None:
        """The same. Of a database that it has used all the same, as a cache or a log handler of the shop may, no
        connection is left."""
        try:
            self.make()
        finally:
            connections.close_all()


def _start(calls: "list[_Call[Any, Any]]", pool: ThreadPoolExecutor) -> None:
    """Give the calls to the threads. Where no thread can be started, as at the end of the process or beyond the limit
    of a container, this one makes what is left: a call that was given to the pool may still be made there."""
    try:
        for each in calls:
            pool.submit(copy_context().run, each.make_in_thread)
    except RuntimeError:
        for each in calls:
            each.make()
