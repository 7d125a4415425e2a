"""Several vouchers of one order: their calls are made at the same time, each under its own operation."""

import threading
from contextvars import ContextVar
from decimal import Decimal as D
from fnmatch import fnmatchcase

import pytest
from django.db import connection, connections, transaction

from voucher_payment_gateway import connection as connection_of_gateway
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
)
from voucher_payment_gateway.gateway.holds.parallel import as_they_end, in_parallel
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import LocalVoucherCloud

CODES = [f"GIFT-000{number}-ABCD" for number in range(8)]
PATIENCE_SECONDS = 60


class MeetingCloud(LocalVoucherCloud):
    """Answers no request of a kind before as many as are expected have arrived."""

    def __init__(self):
        super().__init__()
        self._meetings = []
        self.has_waited_in_vain = False

    def expect(self, count, method, path):
        """Answer the next requests of this kind only when ``count`` of them have arrived."""
        self._meetings.append((method, path, threading.Barrier(count)))

    def answer(self, request):
        for method, path, barrier in self._meetings:
            if request.method == method and fnmatchcase(request.path, path):
                try:
                    barrier.wait(PATIENCE_SECONDS)
                except threading.BrokenBarrierError:
                    self.has_waited_in_vain = True
        return super().answer(request)


CHARGE, REFUND = ("POST", "*/charge"), ("POST", "*/refund")
READ, RELEASE = ("GET", "*/charges"), ("DELETE", "/v1/reservations/*")


@pytest.fixture
def voucher_cloud():
    return MeetingCloud()


@pytest.fixture
def vouchers(shop):
    return [shop.voucher("10.00", code) for code in CODES]


@pytest.fixture
def order(shop, vouchers):
    """An order of 80.00, authorized with eight vouchers."""
    order = shop.order("80.00")
    for code in CODES:
        gateway.select(order, code)
    gateway.authorize_selected(order)
    return order


@pytest.fixture
def captured(order):
    gateway.capture(order)
    return order


def states(kind):
    return [*VoucherOperation.objects.filter(kind=kind).order_by("number").values_list("state", flat=True)]


def numbers():
    return [*VoucherOperation.objects.order_by("number").values_list("number", flat=True)]


def test_charges_are_sent_side_by_side(shop, order, voucher_cloud, vouchers):
    voucher_cloud.expect(8, *CHARGE)
    gateway.capture(order)
    assert not voucher_cloud.has_waited_in_vain
    assert [shop.bookings(voucher) for voucher in vouchers] == [[("charge", D("10.00"))]] * 8
    assert states("charge") == ["succeeded"] * 8
    assert numbers() == [*range(1, 17)]


def test_refunds_are_read_and_sent_side_by_side(shop, captured, voucher_cloud, vouchers):
    voucher_cloud.expect(8, *READ)
    voucher_cloud.expect(8, *REFUND)
    gateway.refund(captured)
    assert not voucher_cloud.has_waited_in_vain
    assert states("refund") == ["succeeded"] * 8


def test_releases_are_sent_side_by_side(shop, order, voucher_cloud):
    voucher_cloud.expect(8, *RELEASE)
    gateway.cancel(order)
    assert not voucher_cloud.has_waited_in_vain
    assert states("cancel") == ["succeeded"] * 8
    assert set(VoucherPayment.objects.values_list("status", flat=True)) == {"cancelled"}


def test_a_cancel_refunds_side_by_side(shop, captured, voucher_cloud):
    voucher_cloud.expect(8, *READ)
    voucher_cloud.expect(8, *REFUND)
    gateway.cancel(captured)
    assert not voucher_cloud.has_waited_in_vain
    assert set(VoucherPayment.objects.values_list("status", flat=True)) == {"cancelled"}


@pytest.mark.parametrize("verb", ["capture", "refund", "cancel"])
def test_a_call_with_a_key_sends_side_by_side(shop, order, voucher_cloud, verb):
    if verb != "capture":
        gateway.capture(order)
    voucher_cloud.expect(8, *(CHARGE if verb == "capture" else REFUND))
    getattr(gateway, verb)(order, key="once")
    assert not voucher_cloud.has_waited_in_vain
    assert not VoucherOperation.objects.exclude(state="succeeded").exists()


@pytest.mark.parametrize("verb", ["capture", "refund", "cancel"])
def test_what_a_transaction_has_written_is_sent_side_by_side_after_its_commit(
    shop, order, voucher_cloud, verb
):
    if verb != "capture":
        gateway.capture(order)
    kind, path = ("charge", CHARGE) if verb == "capture" else ("refund", REFUND)
    voucher_cloud.expect(8, *path)
    with transaction.atomic():
        getattr(gateway, verb)(order)
        assert states(kind) == ["due"] * 8
    assert not voucher_cloud.has_waited_in_vain
    assert states(kind) == ["succeeded"] * 8


def test_what_is_due_is_resumed_side_by_side(shop, order, voucher_cloud):
    voucher_cloud.faults.next("before:503", method="POST", path="*/charge", times=8)
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    assert states("charge") == ["due"] * 8
    voucher_cloud.expect(8, *CHARGE)
    gateway.capture(order)
    assert not voucher_cloud.has_waited_in_vain
    assert states("charge") == ["succeeded"] * 8


def test_refunds_that_are_due_are_read_and_resumed_side_by_side(shop, captured, voucher_cloud):
    """One that reads while the others wait to be sent would use up the time that they have for it."""
    voucher_cloud.faults.next("before:503", method="POST", path="*/refund", times=8)
    with pytest.raises(UnavailableError):
        gateway.refund(captured)
    assert states("refund") == ["due"] * 8
    voucher_cloud.expect(8, *READ)
    voucher_cloud.expect(8, *REFUND)
    gateway.refund(captured)
    assert not voucher_cloud.has_waited_in_vain
    assert states("refund") == ["succeeded"] * 8


def test_an_unexpected_error_of_one_call_hides_no_outcome_of_another(order, monkeypatch):
    client = connection_of_gateway.voucher_cloud()
    charge, made = client.charge, []

    def charge_or_fail(*arguments, **options):
        made.append(arguments)
        number = len(made)
        if number == 2:
            raise OutcomeUnknownError
        if number == 3:
            raise ZeroDivisionError
        return charge(*arguments, **options)

    monkeypatch.setattr(client, "charge", charge_or_fail)
    with pytest.raises((ZeroDivisionError, OutcomeUnknownError)):
        gateway.capture(order)
    assert sorted(states("charge")) == ["sending", *["succeeded"] * 6, "unknown"]


def test_every_operation_is_committed_as_sending_before_the_first_is_sent(order, voucher_cloud, monkeypatch):
    seen = []

    def look(request, answer=voucher_cloud.answer):
        if request.method == "POST" and request.path.endswith("/charge"):
            seen.append(states("charge"))
            connection.close()
        return answer(request)

    voucher_cloud.expect(8, *CHARGE)
    monkeypatch.setattr(voucher_cloud, "answer", look)
    gateway.capture(order)
    assert seen == [["sending"] * 8] * 8


def test_all_are_tried_and_the_first_error_by_voucher_is_raised(shop, order, voucher_cloud, vouchers):
    """The third charge gets no answer, the fifth voucher is spent at a till."""
    third, fifth = VoucherPayment.objects.order_by("pk")[2], VoucherPayment.objects.order_by("pk")[4]
    voucher_cloud.faults.next("after:drop", method="POST", path=f"*/{third.reservation_id}/charge")
    spend_at_a_till(voucher_cloud, CODES[4])
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    assert states("charge")[2] == "unknown"
    assert states("charge")[4] == "refused"
    assert states("charge").count("succeeded") == 6
    assert VoucherPayment.objects.get(pk=fifth.pk).status == "failed"
    shop.later(minutes=2)
    gateway.settle()
    assert states("charge")[2] == "succeeded"


def test_a_refusal_of_an_earlier_voucher_is_raised_before_a_lost_answer(shop, order, voucher_cloud):
    third = VoucherPayment.objects.order_by("pk")[2]
    voucher_cloud.faults.next("after:drop", method="POST", path=f"*/{third.reservation_id}/charge")
    spend_at_a_till(voucher_cloud, CODES[1])
    with pytest.raises(RefusedError):
        gateway.capture(order)


def spend_at_a_till(cloud, code):
    held = cloud.reserve(code, "10.00")
    cloud.charge(held, "T-1")


def test_two_charges_of_one_voucher_are_refunded_one_after_the_other(shop, voucher_cloud):
    """At most one operation is open on a voucher."""
    first, second = shop.voucher("20.00", CODES[0]), shop.voucher("20.00", CODES[1])
    order = shop.order("40.00")
    for code in CODES[:2]:
        gateway.authorize(order, code, amount="20.00")
    gateway.capture(order, "5.00")
    gateway.capture(order, "10.00")
    gateway.capture(order, "25.00")
    assert [len(shop.bookings(voucher)) for voucher in (first, second)] == [2, 2]
    gateway.refund(order)
    assert set(VoucherPayment.objects.values_list("status", flat=True)) == {"refunded"}
    assert states("refund") == ["succeeded"] * 4
    assert sum(amount for kind, amount in shop.bookings(first) if kind == "refund") == D("20.00")


def test_what_a_savepoint_took_back_is_not_sent(shop, order, voucher_cloud, vouchers):
    """Its key may be another operation's by then."""
    payments = [*VoucherPayment.objects.order_by("pk")]
    with transaction.atomic():
        gateway.capture(payments[0])
        with transaction.atomic():
            gateway.cancel(payments[1])
            transaction.set_rollback(True)
        gateway.capture(payments[2])
    assert [len(shop.bookings(voucher)) for voucher in vouchers[:3]] == [1, 0, 1]
    assert states("charge") == ["succeeded"] * 2


def test_no_thread_opens_a_connection_to_the_database(order, monkeypatch):
    opened = []
    wrapper = type(connections["default"])
    connect = wrapper.connect

    def counted(self):
        opened.append(threading.current_thread().name)
        return connect(self)

    monkeypatch.setattr(wrapper, "connect", counted)
    gateway.capture(order)
    gateway.refund(order)
    gateway.cancel(order)
    assert [name for name in opened if name != threading.current_thread().name] == []


def test_a_connection_that_a_thread_opens_all_the_same_is_closed(transactional_db):
    """A cache in the database may need one."""
    left = []

    def use(_):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        left.append(connections["default"])

    in_parallel(use, [1, 2, 3])
    assert [each.connection is None or each.is_in_memory_db() for each in left] == [True] * 3


def test_each_thread_has_the_context_of_the_caller():
    language = ContextVar("language", default="en")
    language.set("de")
    assert {found for _, found in as_they_end(lambda _: language.get(), [1, 2, 3])} == {"de"}


@pytest.fixture
def no_more_threads(monkeypatch):
    """Let no thread be started from here on but the first, as in a container that may have no more."""
    start, started = threading.Thread.start, []

    def start_one(thread):
        started.append(thread)
        if len(started) > 1:
            raise RuntimeError("can't start new thread")
        start(thread)

    return lambda: monkeypatch.setattr(threading.Thread, "start", start_one)


def test_each_call_is_made_once_where_no_thread_can_be_started(no_more_threads):
    made = []
    no_more_threads()
    ended = dict(as_they_end(lambda number: made.append(number) or number, [1, 2, 3, 4]))
    assert sorted(made) == [1, 2, 3, 4]
    assert ended == {1: 1, 2: 2, 3: 3, 4: 4}


def test_an_error_in_one_thread_is_raised_after_all_have_ended():
    ended = []

    def act(number):
        if number == 1:
            raise InsufficientBalanceError
        ended.append(number)

    with pytest.raises(InsufficientBalanceError):
        in_parallel(act, [1, 2, 3])
    assert sorted(ended) == [2, 3]
