"""Operations that ``settle`` finishes in a second, with a Voucher Cloud that answers after 50 ms: charges that are due.

Each worker is a process of its own and sweeps until nothing is left. All begin at the same moment.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from multiprocessing import get_context
from time import perf_counter, process_time
from typing import Any, NamedTuple

from benchmarks import shop, table
from benchmarks.rounds import Spread, spread
from benchmarks.stub_cloud import Server

HEADER = (
    *("database", "workers", "at once in each", "× one worker, one at a time (quartiles)"),
    *("operations a second (quartiles)", "processor for each, ms"),
)
DELAY_SECONDS = 0.05
WORKERS = ((1, 1), (2, 1), (4, 1), (8, 1), (1, 16), (4, 16))
"""The number of processes, and ``SETTLE_THREADS`` of each."""

SAMPLE = ((1, 1), (1, 16))
"""What one round measures: processes take long to start."""

MOST_FOR_EACH = 200

SPAWN = get_context("spawn")


class Sweep(NamedTuple):
    """What the workers of one row did in one round."""

    rate: float
    processor_ms: float


class Workers:
    """Processes that sweep at the same time, each when the test says so."""

    def __init__(self, count: int, threads: int, name: str, base_url: str) -> None:
        self.count, self.threads, self.sweeps = count, threads, list[Sweep]()
        pipes = [SPAWN.Pipe() for _ in range(count)]
        self._pipes = [ours for ours, _ in pipes]
        self._processes = [
            SPAWN.Process(target=_work, args=(name, base_url, threads, theirs)) for _, theirs in pipes
        ]
        for process in self._processes:
            process.start()
        self._answers()

    def sweep(self, operations: int) -> None:
        """Let all sweep until nothing is left. Raises RuntimeError where another number of operations was finished."""
        begun = perf_counter()
        for pipe in self._pipes:
            pipe.send(operations)
        sent, computed = (sum(each) for each in zip(*self._answers(), strict=True))
        took = perf_counter() - begun
        if sent != operations:
            raise RuntimeError(f"{sent} of {operations} operations were sent")
        self.sweeps.append(Sweep(operations / took, 1000 * computed / operations))

    def end(self) -> None:
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.send(None)
            process.join()

    def _answers(self) -> list[tuple[int, float]]:
        return [pipe.recv() for pipe in self._pipes]


def _work(name: str, base_url: str, threads: int, pipe: Any) -> None:
    """The process of a worker."""
    import os

    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = name
    settings.VOUCHER_PAYMENT_GATEWAY.update(BASE_URL=base_url, SETTLE_THREADS=threads)
    django.setup()
    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.connection import voucher_cloud

    voucher_cloud().authenticate()
    gateway.settle()  # what is loaded at first use is loaded
    pipe.send((0, 0.0))
    while (limit := pipe.recv()) is not None:
        sent, computed = 0, process_time()
        while now := gateway.settle(limit).sent:
            sent += now
        pipe.send((sent, process_time() - computed))


@contextmanager
def _started(name: str, base_url: str, rounds: int) -> Iterator[list[Workers]]:
    with ExitStack() as stack:
        found = []
        for count, threads in WORKERS if rounds > 1 else SAMPLE:
            found.append(Workers(count, threads, name, base_url))
            stack.callback(found[-1].end)
        yield found


def _leave_due(count: int) -> None:
    """Leave charges as a process leaves them that dies between the commit of its transaction and the call."""
    from django.db import connection, transaction
    from django.utils import timezone

    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.models import VoucherOperation

    for _ in range(count):
        order, code = shop.new_order()
        gateway.authorize(order, code)
        with transaction.atomic():
            gateway.capture(order)
            connection.run_on_commit.clear()
    VoucherOperation.objects.filter(state="due").update(due_at=timezone.now() - timedelta(seconds=1))


def _measure(workers: list[Workers], rounds: int, server: Server) -> None:
    """Another row begins each round: none is always the first."""
    for number in range(rounds):
        first = number % len(workers)
        for each in workers[first:] + workers[:first]:
            at_once = each.count * each.threads
            operations = min(at_once * 10, MOST_FOR_EACH) if rounds > 1 else 2 * min(at_once, 16)
            server.set_delay(0)
            _leave_due(operations)
            server.set_delay(DELAY_SECONDS)
            each.sweep(operations)


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    """Yield a row for each number of workers and threads."""
    with shop.shop(), shop.connected() as server:
        from django.db import connection

        with _started(str(connection.settings_dict["NAME"]), server.base_url, rounds) as workers:
            _measure(workers, rounds, server)
            for each in workers:
                yield (shop.database_name(), each.count, each.threads, *_figures(each, workers[0]))


def _figures(workers: Workers, one: Workers) -> tuple[Spread, Spread, str]:
    pairs = zip(workers.sweeps, one.sweeps, strict=True)
    ratio = spread(ours.rate / theirs.rate for ours, theirs in pairs)
    computed = spread(each.processor_ms for each in workers.sweeps).median
    return ratio, spread(each.rate for each in workers.sweeps), f"{computed:.1f}"


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows, rounds=5)
