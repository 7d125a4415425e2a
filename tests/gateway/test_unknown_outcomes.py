"""A lost answer is not a refusal: the outcome is recorded as unknown, blocks a second payment, and is resolved."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OperationInProgressError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
)
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.signals import payment_captured, payment_needs_review

BOOKED = [
    "after:drop",
    "after:reset",
    "after:500",
    "after:html502",
    "after:truncated",
    "after:garbage",
    "after:badgzip",
    "after:504",
    "after:408",
    "after:redirect",
    "after:other",
]
NOT_SENT = ["before:429", "before:503", "before:401", "before:403"]


@pytest.fixture
def order(shop):
    shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    return order


@pytest.fixture
def announced():
    """The signals sent to the shop, in order."""
    sent_signals = []

    def record(signal, **facts):
        name = "captured" if signal is payment_captured else "needs review"
        sent_signals.append((name, facts["amount"]))

    for signal in (payment_captured, payment_needs_review):
        signal.connect(record, weak=False)
    yield sent_signals
    for signal in (payment_captured, payment_needs_review):
        signal.disconnect(record)


def charges(shop):
    return [booking for voucher in shop.vouchers for booking in shop.bookings(voucher)]


def look_again():
    VoucherOperation.objects.exclude(due_at=None).update(due_at="2020-01-01T00:00:00Z")
    return gateway.settle()


@pytest.mark.parametrize("fault", BOOKED)
def test_a_charge_that_was_booked_without_a_clear_answer_is_found(shop, order, announced, fault):
    shop.cloud.faults.next(fault, method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError) as caught:
        gateway.capture(order)
    assert caught.value.money_moved == "maybe"
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.pending, announced) == ("authorized", True, [])
    with pytest.raises(OperationInProgressError):
        gateway.capture(order)
    assert look_again().found == 1
    payment.refresh_from_db()
    assert (payment.status, payment.pending) == ("captured", False)
    assert charges(shop) == [("charge", D("20.00"))]
    assert announced == [("captured", D("20.00"))]
    assert look_again().found == 0


@pytest.mark.parametrize("fault", NOT_SENT)
def test_a_charge_that_surely_was_not_applied_is_sent_by_settle(shop, order, announced, fault):
    shop.cloud.faults.next(fault, method="POST", path="*/charge", times=2)
    with pytest.raises((UnavailableError, CredentialsError)) as caught:
        gateway.capture(order)
    assert caught.value.money_moved == "no"
    assert VoucherOperation.objects.get(kind="charge").state == "due"
    shop.cloud.faults.clear()
    assert look_again().sent == 1
    assert charges(shop) == [("charge", D("20.00"))]
    assert announced[-1] == ("captured", D("20.00"))
    assert (("needs review", D("20.00")) in announced) == (fault in ("before:401", "before:403"))


def test_a_voucher_cloud_that_is_down_leaves_the_capture_written_down(shop, order, server):
    server.stop()
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    assert VoucherOperation.objects.get(kind="charge").state == "due"
    assert VoucherOperation.objects.get(kind="charge").attempts == 0


def test_a_refund_without_a_clear_answer_is_found_by_what_was_there_before(shop, order):
    gateway.capture(order)
    gateway.refund(order, "5.00")
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    assert look_again().found == 1
    assert order.voucher_refunded == D("10.00")
    assert [kind for kind, _ in charges(shop)] == ["charge", "refund", "refund"]


def test_a_refund_that_a_clerk_may_have_made_as_well_is_for_a_person(shop, order, announced):
    gateway.capture(order)
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    charge_id = VoucherOperation.objects.get(kind="charge").remote_id
    voucher_cloud().refund(charge_id, D("5.00"), "EUR")
    assert look_again().manual == 1
    assert announced[-1] == ("needs review", D("5.00"))
    assert order.voucher_refunded == D("0.00")
    with pytest.raises(Exception, match=r"only 15\.00"):
        gateway.refund(order, "15.01")


def test_an_operation_whose_worker_died_is_unknown_never_sent_again(shop, order):
    gateway.capture(order)
    VoucherOperation.objects.filter(kind="charge").update(
        state="sending", remote_id="", settled_at=None, sending_at="2020-01-01T00:00:00Z"
    )
    VoucherPayment.objects.update(
        status="authorized", amount_authorized=D("20.00"), amount_captured=D("0.00")
    )
    shop.calls()
    report = gateway.settle()
    assert (report.abandoned, report.found) == (1, 1)
    assert [method for method, _ in shop.calls()] == ["GET"]
    assert VoucherPayment.objects.get().amount_captured == D("20.00")


def test_an_operation_that_is_being_sent_is_left_to_its_worker(shop, order):
    gateway.capture(order)
    from django.utils import timezone

    VoucherOperation.objects.filter(kind="charge").update(state="sending", sending_at=timezone.now())
    assert gateway.settle().abandoned == 0


def test_a_reservation_without_an_answer_is_repeated_at_once(shop):
    voucher = shop.voucher("20.00")
    shop.cloud.faults.next("after:drop", method="POST", path="*/reservations")
    payment = gateway.authorize(shop.order("20.00"), "GIFT-2000-ABCD")
    assert payment.amount_authorized == D("20.00")
    assert shop.bookings(voucher) == []


def test_reservations_without_any_answer_hold_nothing(shop):
    shop.voucher("20.00")
    order = shop.order("20.00")
    shop.cloud.faults.next("after:drop", method="POST", path="*/reservations", times=2)
    with pytest.raises(UnavailableError) as caught:
        gateway.authorize(order, "GIFT-2000-ABCD")
    assert caught.value.money_moved == "no"
    assert VoucherPayment.objects.count() == 0


def test_a_first_refusal_is_final_and_fails_the_payment(shop, order):
    shop.cloud.faults.next("before:422", method="POST", path="*", times=9)
    with pytest.raises(RefusedError):
        gateway.capture(order)
    assert VoucherPayment.objects.get().status == "failed"
    assert set(VoucherOperation.objects.filter(kind="charge").values_list("state", flat=True)) == {"refused"}


@pytest.mark.parametrize("fault", NOT_SENT)
def test_asking_again_sends_what_was_written_down_and_not_sent(shop, order, fault):
    shop.cloud.faults.next(fault, method="POST", path="*/charge", times=2)
    with pytest.raises((UnavailableError, CredentialsError)):
        gateway.capture(order)
    shop.cloud.faults.clear()
    (payment,) = gateway.capture(order)
    assert payment.status == "captured"
    shop.cloud.faults.next(fault, method="POST", path="*/refund", times=2)
    with pytest.raises((UnavailableError, CredentialsError)):
        gateway.refund(order, "5.00")
    shop.cloud.faults.clear()
    with pytest.raises(OperationInProgressError):  # it may be a second return of the same amount
        gateway.refund(order, "5.00")
    gateway.refund(order)
    gateway.refund(order)
    assert charges(shop) == [("charge", D("20.00")), ("refund", D("5.00")), ("refund", D("15.00"))]


def test_asking_for_another_amount_waits_for_what_was_written_down(shop, order):
    gateway.capture(order)
    shop.cloud.faults.next("before:503", method="POST", path="*/refund")
    with pytest.raises(UnavailableError):
        gateway.refund(order, "5.00")
    with pytest.raises(OperationInProgressError):
        gateway.refund(order, "6.00")


def test_a_lost_reservation_is_made_again_even_where_the_first_try_of_that_gets_no_answer(shop, order):
    till = voucher_cloud()
    till.reserve(code="GIFT-2000-ABCD", amount=D("1.00"), currency="EUR")
    shop.cloud.faults.next("before:503", method="POST", path="*/reservations", times=2)
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    shop.cloud.faults.clear()
    assert look_again().sent == 1
    assert charges(shop) == [("charge", D("20.00"))]
    assert VoucherPayment.objects.get().status == "captured"
