"""How many operations settle finishes per second: one worker or several, one operation at a time or several.

    .venv/bin/python benchmarks/settle.py
    .venv/bin/python -m tests.postgres_server .venv/bin/python benchmarks/settle.py --what renewals

The Voucher Cloud and each worker are processes of their own. Each row is measured in every round, one after the other,
so that the rows can be compared; each has the same work before it. The database is made for the run and removed
afterwards.
"""

import argparse
import os
import statistics
import sys
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

SPAWN = get_context("spawn")
AMOUNT = Decimal("10.00")


def serve_slowly(pipe):
    """The process of the Voucher Cloud: adds vouchers, and changes how long each answer takes."""
    from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

    cloud, count = LocalVoucherCloud(), 0
    with serve(cloud) as server:
        pipe.send(server.base_url)
        while (asked := pipe.recv()) is not None:
            what, value = asked
            if what == "vouchers":
                for number in range(count, count + value):
                    cloud.add_voucher(code=f"BENCH-{number}", amount="100.00")
                count += value
            elif what == "fault":
                cloud.faults.clear()
                if value:
                    cloud.faults.next(value[0], times=10_000_000, **value[1])
            pipe.send(count)


@contextmanager
def voucher_cloud():
    """Yield the base URL, and a function that tells the Voucher Cloud what to do."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=serve_slowly, args=(theirs,))
    process.start()

    def tell(what, value):
        ours.send((what, value))
        return ours.recv()

    try:
        yield ours.recv(), tell
    finally:
        ours.send(None)
        process.join()


def configure(base_url, threads):
    """Change the settings of this process in place."""
    from django.conf import settings

    from voucher_payment_gateway import conf, connection

    settings.DEBUG = False
    known = {**settings.VOUCHER_PAYMENT_GATEWAY, "SETTLE_THREADS": threads, "RENEW_HOLDS": True}
    settings.VOUCHER_PAYMENT_GATEWAY = {**known, "BASE_URL": base_url}
    conf.gateway_settings.cache_clear()
    connection.close()


def work(name, base_url, threads, pipe):
    """The process of a worker: sweeps until nothing is left, each time it is told to."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import logging

    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = name
    django.setup()
    logging.disable(logging.CRITICAL)
    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.connection import voucher_cloud as client

    configure(base_url, threads)
    client().authenticate()
    while (limit := pipe.recv()) is not None:
        done = 0
        computed = time.process_time()
        while count := _finished(gateway.settle(limit)):
            done += count
        pipe.send((done, time.process_time() - computed))


def _finished(report):
    return report.sent + report.found + report.renewed


class Workers:
    """Processes that sweep at the same time."""

    def __init__(self, count, threads, name, base_url):
        self.count, self.threads, self.figures = count, threads, []
        self.pipes, self.processes = [], []
        for _ in range(count):
            ours, theirs = SPAWN.Pipe()
            self.pipes.append(ours)
            self.processes.append(SPAWN.Process(target=work, args=(name, base_url, threads, theirs)))
            self.processes[-1].start()

    def sweep(self, operations):
        """Let all sweep until nothing is left; note operations a second, and milliseconds of processor for each."""
        begun = time.perf_counter()
        for pipe in self.pipes:
            pipe.send(operations)
        answers = [pipe.recv() for pipe in self.pipes]
        took = time.perf_counter() - begun
        done, computed = (sum(each) for each in zip(*answers, strict=True))
        if done != operations:
            raise RuntimeError(f"{done} of {operations} operations were finished")
        self.figures.append((operations / took, 1000 * computed / operations))

    def end(self):
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            pipe.send(None)
            process.join()

    def __str__(self):
        rates, computed = (sorted(each) for each in zip(*self.figures, strict=True))
        low, middle, high = statistics.quantiles(rates, n=4) if len(rates) > 1 else rates * 3
        kind = f"{self.count} workers × {self.threads} threads"
        spread = f"{middle:8.1f}/s (quartiles {low:.1f} to {high:.1f})"
        return f"{kind:28}{spread:44}{statistics.median(computed):6.1f} ms of processor each"


class Work:
    """What is left open for the workers, by verbs whose calls meet faults of the Voucher Cloud."""

    def __init__(self, tell):
        self.tell, self.orders = tell, 0

    def authorized(self, count):
        from tests.shop.models import Order
        from voucher_payment_gateway import gateway

        last, orders = self.tell("vouchers", count), []
        for number in range(last - count, last):
            orders.append(Order.objects.create(number=f"B-{number}", total=AMOUNT))
            gateway.authorize(orders[-1], f"BENCH-{number}")
        return orders

    def captured(self, count, fault):
        from voucher_payment_gateway import gateway
        from voucher_payment_gateway.exceptions import VoucherGatewayError

        orders = self.authorized(count)
        self.tell("fault", (fault, {"path": "*/charge", "method": "POST"}))
        for order in orders:
            with suppress(VoucherGatewayError):
                gateway.capture(order)

    def due(self, count):
        """Charges that are to be sent."""
        self.captured(count, "before:503")
        self._make_due()

    def unknown(self, count):
        """Charges that were booked, and whose answer was lost."""
        self.captured(count, "after:drop")
        self._make_due()

    def renewals(self, count):
        """Holds of confirmed orders that end soon."""
        from django.utils import timezone

        from voucher_payment_gateway.models import VoucherPayment

        self.authorized(count)
        held = VoucherPayment.objects.filter(status="authorized")
        held.update(renew_at=timezone.now() - timedelta(seconds=1), confirmed_at=timezone.now())

    def _make_due(self):
        from django.utils import timezone

        from voucher_payment_gateway.models import VoucherOperation

        is_open = VoucherOperation.objects.filter(state__in=("due", "unknown"))
        is_open.update(due_at=timezone.now() - timedelta(seconds=1))

    def empty(self):
        """Forget the payments of earlier rounds: that are held and would be renewed again."""
        from voucher_payment_gateway.models import VoucherPayment

        VoucherPayment.objects.filter(status="authorized").update(renew_at=None)


def measure(options, name, base_url, tell):
    configure(base_url, 1)
    pairs = [(count, threads) for count in options.workers for threads in options.threads]
    rows = [Workers(count, threads, name, base_url) for count, threads in pairs]
    leave = getattr(Work(tell), options.what)
    try:
        for _ in range(options.rounds):
            for workers in rows:
                operations = options.operations * workers.count * min(workers.threads, 8)
                tell("fault", None)
                leave(operations)
                tell("fault", (f"after:slow={options.milliseconds / 1000}", {}))
                workers.sweep(operations)
        print(f"{options.what}, a Voucher Cloud of {options.milliseconds} ms")
        for workers in rows:
            print(workers, flush=True)
    finally:
        for workers in rows:
            workers.end()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--what", choices=("due", "unknown", "renewals"), default="unknown")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--operations", type=int, default=25, help="for each worker and thread, up to eight")
    parser.add_argument("--milliseconds", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    from tests.proofs.storm.bench import database

    with database(), voucher_cloud() as (base_url, tell):
        from django.db import connection

        measure(options, str(connection.settings_dict["NAME"]), base_url, tell)


if __name__ == "__main__":
    main()
