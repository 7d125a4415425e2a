"""The cost of a long ledger compared with a short one, and the time in which a million expired holds lapse.

    .venv/bin/python -m tests.postgres_server .venv/bin/python benchmarks/ledger.py
    .venv/bin/python benchmarks/ledger.py --long 1000000

Both ledgers lie in one server (or in two files of SQLite); the same is done in one and in the other by turns, so that
the ratios mean the same on every machine. ``statements`` is the time in SQL statements alone, without HTTP and Python.
The databases are made for the run and removed afterwards: ten million operations take 8 GB for that long.
"""

import argparse
import os
import statistics
import sys
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

import django

from benchmarks.ledger_steps import SETTINGS, round_of

SHORT, LONG = "default", "long"
WARM_UP = 5


class Chosen:
    """A router that sends every query to the ledger in use."""

    alias = SHORT

    def db_for_read(self, model, **hints):
        return self.alias

    db_for_write = db_for_read

    def allow_relation(self, one, other, **hints):
        return True


ROUTER = Chosen()


@contextmanager
def databases():
    """Set Django up with two empty databases, and remove them afterwards."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    from django.conf import settings

    given = settings.DATABASES[SHORT]
    with TemporaryDirectory() as folder, ExitStack() as made:
        for alias in (SHORT, LONG):
            is_file = given["ENGINE"].endswith("sqlite3")
            name = f"{folder}/{alias}.sqlite3" if is_file else f"ledger_{alias}_{os.getpid()}"
            settings.DATABASES[alias] = {**given, "TEST": {"NAME": name}}
        settings.DATABASE_ROUTERS = [ROUTER]
        django.setup()
        from django.db import connections

        for alias in (SHORT, LONG):
            connection = connections[alias]
            before = connection.settings_dict["NAME"]
            ROUTER.alias = alias
            connection.creation.create_test_db(verbosity=0, autoclobber=True)
            made.callback(connection.creation.destroy_test_db, before, verbosity=0)
        yield


class Watch:
    """Measures durations, in total and in SQL statements only."""

    def __init__(self):
        self.seconds = defaultdict(list)
        self.in_statements = 0.0

    @contextmanager
    def on(self, name):
        self.in_statements, begun = 0.0, time.perf_counter()
        yield
        self.seconds[name].append((time.perf_counter() - begun, self.in_statements))

    def statement(self, execute, sql, params, many, context):
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.in_statements += time.perf_counter() - begun


class Shop:
    """A shop with one of the ledgers. Each round does all that ``ledger_steps`` has, and sweeps and reconciles."""

    def __init__(self, alias, cloud):
        from django.db import connections

        from voucher_payment_gateway.models import VoucherOperation

        self.alias, self.cloud, self.count, self.watch = alias, cloud, 0, Watch()
        self.connection = connections[alias]
        newest = VoucherOperation.objects.using(alias).latest("created_at").created_at
        # not by the clock: filling the long ledger takes so long that the short one would end before
        self.until = newest - timedelta(minutes=30)

    def order(self, **fields):
        from tests.shop.models import Order

        self.count += 1
        name = f"{self.alias}-{self.count}"
        self.cloud.add_voucher(code=f"CODE-{name}", amount="10.00")
        return Order.objects.create(number=name, total=Decimal("10.00"), **fields), f"CODE-{name}"

    def log_in(self):
        """Give a clerk who may see everything a browser."""
        from django.contrib.auth import get_user_model
        from django.test import Client

        ROUTER.alias = self.alias
        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(get_user_model().objects.create_superuser("mia"))

    def round(self):
        ROUTER.alias = self.alias
        with self.connection.execute_wrapper(self.watch.statement):
            round_of(self)
            self.sweep()
            self.reconcile()

    def sweep(self):
        """Sweep with one expired hold and nothing else to do."""
        from voucher_payment_gateway import gateway
        from voucher_payment_gateway.models import VoucherPayment

        order, code = self.order()
        gateway.authorize(order, code)
        held = VoucherPayment.objects.filter(order_number=order.number)
        held.update(reservation_dead_at="2020-01-01T00:00:00Z")
        with self.watch.on("settle, one dead hold"):
            report = gateway.settle()
        if (report.lapsed, report.still_open) != (1, 0):
            raise RuntimeError(report)

    def reconcile(self):
        """Select the vouchers of 30 minutes, and read our rows of the first ones; their bookings are not read."""
        from django.utils import timezone

        from voucher_payment_gateway.gateway.reconciliation import reconcile, vouchers
        from voucher_payment_gateway.gateway.reconciliation.readings import Reading

        now = timezone.now()
        with self.watch.on("reconcile, vouchers of 30 minutes"):
            batches = list(vouchers.voucher_batches(self.until - timedelta(minutes=30), self.until))
        with self.watch.on("reconcile, rows of 50 vouchers"):
            reconcile._compare([Reading(voucher, now) for voucher in batches[0].vouchers])


def compare(rounds):
    from django.conf import settings
    from django.test import override_settings

    from voucher_payment_gateway import connection
    from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

    cloud = LocalVoucherCloud()
    with serve(cloud) as server:
        configured = {**settings.VOUCHER_PAYMENT_GATEWAY, **SETTINGS, "BASE_URL": server.base_url}
        with override_settings(VOUCHER_PAYMENT_GATEWAY=configured):
            connection.voucher_cloud().authenticate()
            shops = [Shop(SHORT, cloud), Shop(LONG, cloud)]
            for shop in shops:
                shop.log_in()
            for number in range(WARM_UP + rounds):
                if number == WARM_UP:
                    for shop in shops:
                        shop.watch.seconds.clear()
                for shop in shops if number % 2 else reversed(shops):
                    shop.round()
            connection.close()
    report(*(shop.watch.seconds for shop in shops))


def report(short, long):
    """Print the median ratio of each step in the long ledger to the same step in the short one."""
    print(f"{'':36}{'in all':>10}{'statements':>12}{'short':>14}{'long':>12}")
    for name in short:
        in_all, statements = (
            statistics.median(b[part] / a[part] for a, b in zip(short[name], long[name], strict=True))
            for part in (0, 1)
        )
        one, other = (
            1000 * statistics.median(each[0] for each in seconds[name]) for seconds in (short, long)
        )
        print(f"{name:36}{in_all:>9.2f}×{statements:>11.2f}×{one:>11.2f} ms{other:>9.2f} ms")


def lapse(payments):
    """Lapse expired holds; that needs no HTTP."""
    from tests.ledger_rows import fill_with_dead_holds
    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.models import VoucherPayment

    ROUTER.alias = SHORT
    fill_with_dead_holds(SHORT, payments)
    begun, computed = time.perf_counter(), time.process_time()
    lapsed = gateway.settle(limit=payments).lapsed
    took, computed = time.perf_counter() - begun, time.process_time() - computed
    left = VoucherPayment.objects.filter(status="authorized").count()
    print(
        f"{lapsed} of {lapsed + left} dead holds lapsed in {took:.0f} seconds, {computed:.0f} of them computing"
    )


def fill_both(sizes):
    from tests.ledger_rows import fill
    from voucher_payment_gateway.models import VoucherOperation

    for alias, operations in sizes.items():
        ROUTER.alias = alias
        begun = time.perf_counter()
        fill(alias, operations)
        count = VoucherOperation.objects.count()
        print(f"{alias}: {count} operations in {time.perf_counter() - begun:.0f} seconds", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", type=int, default=10_000, help="operations in the short ledger")
    parser.add_argument("--long", type=int, default=10_000_000, help="operations in the long ledger")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--holds", type=int, default=1_000_000, help="dead holds that are to lapse; 0: none")
    options = parser.parse_args()
    with databases():
        fill_both({SHORT: options.short, LONG: options.long})
        compare(options.rounds)
        if options.holds:
            lapse(options.holds)


if __name__ == "__main__":
    main()
