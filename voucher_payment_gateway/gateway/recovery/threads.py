"""The threads of one sweep: the steps of several rows at the same time, never two of one voucher or of one order.

Each step is what another process would do beside this one: it has its own database connection, and its own lease. So
nothing about money rests on the order in which they end.
"""

from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from queue import SimpleQueue
from threading import Thread
from typing import Any

from django.db import connections

from voucher_payment_gateway.api.limits import as_one_caller
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.records.conflicts import database

__all__ = ["SweepThreads", "threads_at_once"]

DEFAULT_POOL = 4
"""The connections of a pool of psycopg whose size is not set."""


def threads_at_once() -> int:
    """Return how many threads a sweep may use: ``SETTLE_THREADS``, and no more than the database has connections for.

    One, the caller's own, inside a transaction (of a test) and with a database in memory: other threads would not see
    its rows.
    """
    if any(each.in_atomic_block for each in connections.all(initialized_only=True)):
        return 1
    connection: Any = connections[database()]
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        return 1
    return max(1, min(gateway_settings().SETTLE_THREADS, _free_in_pool(connection.settings_dict)))


def _free_in_pool(settings: dict[str, Any]) -> int:
    """Return the connections of Django's pool besides the caller's own; without a pool as many as are wanted."""
    pool = (settings.get("OPTIONS") or {}).get("pool")
    if not pool:
        return gateway_settings().SETTLE_THREADS
    sizes = pool if isinstance(pool, dict) else {}
    return int(sizes.get("max_size") or sizes.get("min_size", DEFAULT_POOL)) - 1


@dataclass(eq=False)
class _Job:
    """The step of one row."""

    do: Callable[[], int]
    subjects: frozenset[Any]
    context: Context
    count: int = 0
    error: BaseException | None = None

    def run(self) -> None:
        try:
            self.count = self.context.run(self.do)
        except BaseException as error:  # raised again in the thread of the sweep
            self.error = error


class SweepThreads:
    """Up to ``at_once`` threads. They are started when they are needed and end with the block, with their database
    connections; what is being done then is finished."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._threads: list[Thread] = []
        self._jobs: list[_Job] = []
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._done: SimpleQueue[_Job] = SimpleQueue()

    def __enter__(self) -> "SweepThreads":
        return self

    def __exit__(self, *_: object) -> None:
        for _thread in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def free(self) -> int:
        """How many threads have nothing to do; one where the caller's is the only one."""
        return self._at_once - len(self._jobs)

    def count(
        self, rows: Iterable[Any], step: Callable[[Any], int], subjects: Callable[[Any], frozenset[Any]]
    ) -> int:
        """Call ``step`` for each row, and return the sum of what it returns. A single row stays on the caller's thread.

        Rows are taken on the caller's thread, each when a thread is free for it: a lease begins with the work. One that
        has ``subjects`` in common with a row in progress waits for that one.
        """
        taken = iter(rows)
        first = list(islice(taken, 2 if self._at_once > 1 else 1))
        taken = chain(first, taken)
        if len(first) < 2:
            return sum(map(step, taken))
        return self._count_in_threads(taken, step, subjects)

    def _count_in_threads(
        self, rows: Iterable[Any], step: Callable[[Any], int], subjects: Callable[[Any], frozenset[Any]]
    ) -> int:
        total, taken, step = 0, iter(rows), as_one_caller(step)
        while (row := next(taken, None)) is not None:
            own = subjects(row)
            while any(own & job.subjects for job in self._jobs):
                total += self._end_one()
            self._begin(_Job(partial(step, row), own, copy_context()))
            while self.free() <= 0 or not self._done.empty():
                total += self._end_one()
        while self._jobs:
            total += self._end_one()
        return total

    def _begin(self, job: _Job) -> None:
        if len(self._jobs) == len(self._threads):
            self._start_thread()
        self._jobs.append(job)
        if self._threads:
            self._waiting.put(job)
        else:
            job.run()
            self._done.put(job)

    def _start_thread(self) -> None:
        """Start one more. Where the process may have no more, those that there are do all, or the caller's does."""
        thread = Thread(target=self._work, name=f"voucher-settle-{len(self._threads) + 1}")
        try:
            thread.start()
        except RuntimeError:
            self._at_once = max(1, len(self._threads))
        else:
            self._threads.append(thread)

    def _end_one(self) -> int:
        """Wait for the first job that ends; return its count, or raise its error."""
        job = self._done.get()
        self._jobs.remove(job)
        if job.error is not None:
            raise job.error
        return job.count

    def _work(self) -> None:
        try:
            while (job := self._waiting.get()) is not None:
                job.run()
                _close_connections(only_broken=True)
                self._done.put(job)
        finally:
            _close_connections()


def _close_connections(*, only_broken: bool = False) -> None:
    """Close the database connections of this thread. One with an error may be broken: the next row opens another."""
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred or not only_broken:
            connection.close()
