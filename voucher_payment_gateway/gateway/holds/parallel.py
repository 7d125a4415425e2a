"""Make several calls of the Voucher Cloud at the same time: those of one order, or of one sweep.

What runs in the threads makes calls and nothing else: our rows are read and written by the caller's thread alone, in
its transaction and with its connection to the database.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextvars import copy_context
from typing import TypeVar

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
    with ThreadPoolExecutor(at_once, thread_name_prefix="voucher-call") as pool:
        calls: dict[Future[Got], Given] = {
            pool.submit(copy_context().run, _without_connections, do, one): one for one in all_of_them
        }
        for ended in as_completed(calls):
            if error := ended.exception():
                errors.append(error)
            else:
                yield calls[ended], ended.result()
    if errors:
        raise errors[0]


def _without_connections(do: Callable[[Given], Got], one: Given) -> Got:
    """Call ``do``. Of a database that it has used all the same, as a cache or a log handler of the shop may, no
    connection is left."""
    try:
        return do(one)
    finally:
        connections.close_all()
