"""A sweep works on several operations at the same time, and never on two of one voucher."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from decimal import Decimal as D

import pytest
from django.db import connection, connections
from django.db.backends.signals import connection_created

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError, VoucherGatewayError
from voucher_payment_gateway.gateway.recovery.threads import SweepThreads, threads_at_once
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import LocalVoucherCloud
from voucher_payment_gateway.sandbox.messages import Response

AT_ONCE = 4
PATIENCE_SECONDS = 30
"""How long the Voucher Cloud waits for calls that never come; a test that waits for it fails."""


class MeetingCloud(LocalVoucherCloud):
    """Answers calls of one method only when several of them have arrived, or ``meets`` not at all."""

    meets = ""
    """The method of the calls that wait for each other."""
    rounds = 0
    """How often they have all arrived."""
    victim = None
    """The process that is killed then; its calls are carried out all the same."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._barrier = threading.Barrier(AT_ONCE, action=self._all_are_here, timeout=PATIENCE_SECONDS)

    def _all_are_here(self):
        self.rounds += 1
        if self.victim:
            self.victim.kill()

    def answer(self, request):
        is_met = request.method == self.meets and "/charge" in request.path
        if is_met:
            try:
                self._barrier.wait()
            except threading.BrokenBarrierError:
                return Response(503)
        return super().answer(request)


@pytest.fixture
def voucher_cloud():
    return MeetingCloud()


@pytest.fixture
def lost(shop):
    """Eight orders whose charges were booked while their answers were lost, and two of which nothing arrived."""
    for number in range(8):
        shop.voucher("20.00", code=f"GIFT-{number}")
        gateway.authorize(shop.order("20.00", f"A-{number}"), f"GIFT-{number}")
        shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
        with suppress(OutcomeUnknownError):
            gateway.capture(Order.objects.get(number=f"A-{number}"))
    shop.later(minutes=5)
    return VoucherOperation.objects.filter(state="unknown")


@pytest.fixture
def due(shop):
    """Eight orders whose charges are due: the Voucher Cloud was out of service."""
    for number in range(8):
        shop.voucher("20.00", code=f"DUE-{number}")
        gateway.authorize(shop.order("20.00", f"D-{number}"), f"DUE-{number}")
    shop.cloud.faults.next("before:503", method="POST", path="*/charge", times=99)
    for order in Order.objects.filter(number__startswith="D-"):
        with suppress(UnavailableError):
            gateway.capture(order)
    shop.cloud.faults.clear()
    shop.later(minutes=2)
    return VoucherOperation.objects.filter(state="due")


@pytest.fixture
def opened():
    """The database connections that are opened, with the name of their thread."""
    found = []

    def note(connection, **_):
        found.append((threading.current_thread().name, connection))

    connection_created.connect(note)
    yield found
    connection_created.disconnect(note)


def test_unknown_operations_are_resolved_side_by_side(shop, lost, gateway_settings):
    gateway_settings(SETTLE_THREADS=AT_ONCE)
    shop.cloud.meets = "GET"  # the bookings of a voucher are answered when four of them are asked for
    report = gateway.settle()
    assert (report.found, report.still_open, shop.cloud.rounds) == (8, 0, 2)
    assert all(shop.bookings(voucher) == [("charge", D("20.00"))] for voucher in shop.vouchers)
    assert {payment.status for payment in VoucherPayment.objects.all()} == {"captured"}


def test_due_operations_are_sent_side_by_side(shop, due, gateway_settings):
    gateway_settings(SETTLE_THREADS=AT_ONCE)
    shop.cloud.meets = "POST"
    report = gateway.settle()
    assert (report.sent, report.still_open, shop.cloud.rounds) == (8, 0, 2)
    assert all(shop.bookings(voucher) == [("charge", D("20.00"))] for voucher in shop.vouchers)


def test_the_error_of_one_does_not_stop_the_others_and_is_not_counted(shop, lost, caplog):
    refused = shop.vouchers[3]
    shop.cloud.faults.next("before:503", method="GET", path=f"*/{refused.id}/charges*", times=99)
    report = gateway.settle()
    assert (report.found, report.still_open) == (7, 1)
    assert [record.voucher_event for record in caplog.records].count("settle_step_refused") == 1
    assert lost.get().voucher_id == refused.id


def test_two_operations_of_one_voucher_follow_one_another_in_one_sweep(shop):
    """The second is queued behind the first; taken while that is in flight it would be put off."""
    voucher = shop.voucher("60.00")
    orders = [shop.order("20.00", f"Q-{number}") for number in range(3)]
    for order in orders:
        gateway.authorize(order, voucher.code)
        gateway.capture(order)
    shop.cloud.faults.next("before:503", method="POST", path="*/refund*", times=99)
    for order in orders:
        with suppress(VoucherGatewayError):
            gateway.refund(order)
    shop.cloud.faults.clear()
    shop.later(minutes=2)
    assert VoucherOperation.objects.filter(state="due").count() == 3
    report = gateway.settle()
    assert (report.sent, report.still_open) == (3, 0)
    assert shop.bookings(voucher).count(("refund", D("20.00"))) == 3


def test_a_single_operation_stays_on_the_thread_of_the_caller(shop, lost, during, opened):
    threads = []
    during("list_voucher_charges", lambda: threads.append(threading.current_thread()))
    assert gateway.settle(limit=1).found == 1
    assert (threads, opened) == ([threading.current_thread()], [])


def test_the_threads_end_with_the_sweep_and_close_their_connections(shop, lost, gateway_settings, opened):
    gateway_settings(SETTLE_THREADS=AT_ONCE)
    shop.cloud.meets = "GET"
    gateway.settle()
    assert sorted(name for name, _ in opened) == [f"voucher-settle-{n}" for n in range(1, AT_ONCE + 1)]
    assert [used.connection for _, used in opened] == [None] * AT_ONCE
    assert not [each for each in threading.enumerate() if each.name.startswith("voucher-settle")]


def test_a_stopped_sweep_ends_what_is_in_flight_and_begins_no_other(shop, lost, gateway_settings):
    gateway_settings(SETTLE_THREADS=AT_ONCE)
    shop.cloud.meets = "GET"
    report = gateway.settle(stop=lambda: shop.cloud.rounds > 0)
    assert (report.found, report.still_open) == (4, 4)
    assert gateway.settle().found == 4  # nothing is leased that was not begun


def test_one_thread_leases_an_operation_only_when_the_one_before_has_ended(
    shop, due, during, gateway_settings
):
    gateway_settings(SETTLE_THREADS=1)
    leased_then = []
    during(
        "charge",
        lambda: leased_then.append(due.filter(due_at__lte=VoucherOperation.objects.last().due_at).count()),
    )
    assert gateway.settle().sent == 8
    assert leased_then == [7]


SWEEP = """
import sys, django
django.setup()
from django.conf import settings
from voucher_payment_gateway import gateway
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.VOUCHER_PAYMENT_GATEWAY.update(BASE_URL=sys.argv[2], SETTLE_THREADS=int(sys.argv[3]))
gateway.settle()
"""


def test_a_sweep_killed_with_calls_in_flight_leaves_what_later_sweeps_find(shop, due, server):
    """Four charges are booked and not answered, four were not begun."""
    shop.cloud.meets = "POST"
    name = str(connection.settings_dict["NAME"])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    shop.cloud.victim = subprocess.Popen(
        [sys.executable, "-c", SWEEP, name, server.base_url, str(AT_ONCE)], env=environment
    )
    assert shop.cloud.victim.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    states = Counter(VoucherOperation.objects.filter(kind="charge").values_list("state", flat=True))
    assert states == {"sending": 4, "due": 4}
    shop.cloud.meets = ""
    shop.later(minutes=5)
    report = gateway.settle()
    assert (report.abandoned, report.sent, report.found, report.still_open) == (4, 4, 4, 0)
    assert all(shop.bookings(voucher) == [("charge", D("20.00"))] for voucher in shop.vouchers)


@pytest.mark.django_db
def test_inside_of_a_test_case_all_stays_on_the_thread_of_the_caller():
    assert connection.in_atomic_block
    assert threads_at_once() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("pool", "threads"),
    [(None, 16), (True, 3), ({"max_size": 9}, 8), ({"min_size": 2}, 1), ({"min_size": 1}, 1)],
)
def test_no_more_threads_than_the_pool_has_connections_for(monkeypatch, pool, threads):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", pool)
    assert threads_at_once() == threads


if connection.vendor == "sqlite":

    @pytest.mark.django_db(transaction=True)
    def test_a_database_in_memory_is_used_by_the_caller_alone(monkeypatch):
        monkeypatch.setattr(connections["default"], "is_in_memory_db", lambda: True)
        assert threads_at_once() == 1


def test_rows_with_a_subject_in_common_are_never_in_progress_together():
    """The first is held back until the third row of another subject has begun; were the second one not to wait for it,
    both would be in progress."""
    progress, overlaps, other_began = set(), [], threading.Event()

    def step(row):
        name, subject = row
        overlaps.extend(each for each in progress if each[1] == subject)
        progress.add(row)
        if name == "first":
            other_began.wait(0.3)
        elif subject != "one":
            other_began.set()
        progress.discard(row)
        return 1

    rows = [("first", "one"), ("second", "one"), ("third", "two"), ("fourth", "one")]
    with SweepThreads(3) as threads:
        assert threads.count(rows, step, lambda row: frozenset({row[1]})) == 4
    assert overlaps == []


def test_what_ends_a_thread_ends_the_sweep():
    def step(row):
        if row == 2:
            raise SystemExit
        return 1

    with pytest.raises(SystemExit), SweepThreads(2) as threads:
        threads.count([1, 2, 3], step, lambda row: frozenset({row}))


@pytest.mark.parametrize("may_start", [0, 1])
def test_a_sweep_goes_on_with_the_threads_that_there_are(monkeypatch, may_start):
    start, started = threading.Thread.start, []

    def start_some(thread):
        if len(started) == may_start:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    with SweepThreads(4) as threads:
        assert threads.count(range(9), lambda row: 1, lambda row: frozenset({row})) == 9
        assert threads.free() == 1
