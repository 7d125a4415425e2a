"""Capturing in parts: several deliveries of one order, never more than agreed, never more than due."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    AmountError,
    InsufficientBalanceError,
    OperationInProgressError,
    OutcomeUnknownError,
    UnavailableError,
    WrongStateError,
)
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def voucher(shop):
    return shop.voucher("30.00")


@pytest.fixture
def order(shop, voucher):
    order = shop.order("50.00")
    gateway.authorize(order, CODE, amount="20.00")
    return order


def only_payment():
    return VoucherPayment.objects.get()


def test_two_deliveries_are_captured_one_after_the_other(shop, order, voucher):
    gateway.capture(order, "5.00")
    assert (only_payment().status, order.voucher_due) == ("captured", D("45.00"))
    (payment,) = gateway.capture(order, "15.00")
    assert (payment.status, payment.amount_captured, payment.sealed_code) == ("captured", D("20.00"), "")
    assert shop.bookings(voucher) == [("charge", D("5.00")), ("charge", D("15.00"))]


def test_each_capture_has_a_number_of_its_own(shop, order, voucher):
    gateway.capture(order, "5.00")
    gateway.capture(order, "15.00")
    sent = [row.order_number.split(".")[0] for row in shop.cloud.bookings(voucher.id)]
    assert sent == ["A-1001-1", "A-1001-2"]


def test_never_more_is_charged_than_the_customer_agreed_to(shop, order, voucher):
    gateway.capture(order, "5.00")
    shop.calls()
    with pytest.raises(AmountError, match="held"):
        gateway.capture(order, "15.01")
    assert shop.calls() == []
    assert shop.bookings(voucher) == [("charge", D("5.00"))]


def test_never_more_is_charged_than_the_order_needs(shop, order, voucher):
    gateway.capture(order, "5.00")
    order.total = D("12.00")
    with pytest.raises(AmountError, match=r"only 7\.00 are due") as caught:
        gateway.capture(order, "7.01")
    assert caught.value.code == "more_than_due"
    gateway.capture(order, "7.00")
    assert order.voucher_captured == D("12.00")


def test_without_an_amount_what_a_part_left_over_is_left_alone(shop, order, voucher):
    gateway.capture(order, "5.00")
    assert gateway.capture(order) == []
    assert shop.bookings(voucher) == [("charge", D("5.00"))]


def test_a_second_part_that_is_refused_leaves_the_first_captured(shop, order, voucher):
    from voucher_payment_gateway.connection import voucher_cloud

    gateway.capture(order, "5.00")
    till = voucher_cloud()
    till.charge(till.reserve(code=CODE, amount=D("20.00"), currency="EUR").id, "TILL-1")
    with pytest.raises(InsufficientBalanceError):
        gateway.capture(order, "10.00")
    payment = only_payment()
    assert (payment.status, payment.amount_captured, payment.amount_authorized) == (
        "captured",
        D("5.00"),
        D("0.00"),
    )
    gateway.refund(order)
    assert only_payment().status == "refunded"


def test_parts_are_refunded_together_newest_first(shop, order, voucher):
    gateway.capture(order, "5.00")
    gateway.capture(order, "15.00")
    gateway.refund(order, "16.00")
    assert shop.bookings(voucher)[2:] == [("refund", D("15.00")), ("refund", D("1.00"))]


def test_cancel_after_a_part_gives_it_back_and_ends_the_payment(shop, order, voucher):
    gateway.capture(order, "5.00")
    gateway.cancel(order)
    assert (only_payment().status, only_payment().sealed_code) == ("cancelled", "")
    with pytest.raises(WrongStateError):
        gateway.capture(order, "5.00")
    assert shop.bookings(voucher) == [("charge", D("5.00")), ("refund", D("5.00"))]


def test_a_part_after_the_code_was_erased_is_refused_and_nothing_is_sent(shop, order, voucher):
    gateway.capture(order, "5.00")
    shop.later(hours=25)
    gateway.settle()
    assert (only_payment().status, only_payment().sealed_code) == ("captured", "")
    with pytest.raises(WrongStateError, match="nothing is held"):
        gateway.capture(order, "15.00")
    assert shop.bookings(voucher) == [("charge", D("5.00"))]


def test_a_hold_made_for_a_part_that_was_never_charged_does_not_shrink_what_was_agreed(shop, order, voucher):
    """After a crash between the smaller reservation and its charge: a capture charges the held amount, as ``cover``
    reports, and the rest of the agreed amount can be captured by giving an amount."""
    from voucher_payment_gateway.gateway.operations.reservation import renew

    renew(only_payment(), D("5.00"), 2)
    assert (gateway.cover(order).held, gateway.cover(order).due) == (D("5.00"), D("45.00"))
    gateway.capture(order)
    gateway.capture(order, "15.00")
    assert shop.bookings(voucher) == [("charge", D("5.00")), ("charge", D("15.00"))]


def test_a_hold_for_a_second_part_that_died_leaves_the_first_captured(shop, order):
    from voucher_payment_gateway.gateway.operations.reservation import renew

    gateway.capture(order, "5.00")
    renew(only_payment(), D("10.00"), 4)
    assert only_payment().status == "authorized"
    shop.later(minutes=36)
    assert gateway.settle().lapsed == 1
    assert (only_payment().status, only_payment().amount_captured) == ("captured", D("5.00"))


def test_a_part_that_is_written_down_counts_as_covered(shop, order, voucher):
    """A second part is due without a hold: another voucher must not be charged for it too."""
    order.total = D("25.00")
    order.save()
    gateway.capture(order, "5.00")
    shop.cloud.faults.next("before:503", times=99)
    with pytest.raises(UnavailableError):
        gateway.capture(order, "15.00")
    assert (order.voucher_due, gateway.cover(order).due) == (D("5.00"), D("5.00"))
    shop.cloud.faults.clear()
    other = shop.voucher("30.00", code="GIFT-3000-WXYZ")
    assert gateway.authorize(order, "GIFT-3000-WXYZ").amount_authorized == D("5.00")
    with transaction.atomic():
        gateway.capture(order)
    shop.later(minutes=2)
    gateway.settle()
    assert order.voucher_captured == D("25.00")
    assert shop.bookings(other) == [("charge", D("5.00"))]


def test_a_lapsed_payment_with_a_charge_that_waits_counts_as_covered(shop):
    first = shop.voucher("50.00", code="GIFT-5000-AAAA")
    second = shop.voucher("50.00", code="GIFT-5000-BBBB")
    order = shop.order("50.00", "A-1002")
    gateway.authorize(order, "GIFT-5000-AAAA")
    shop.later(minutes=40)
    gateway.settle()
    shop.cloud.faults.next("before:503", times=99)
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    shop.cloud.faults.clear()
    assert order.voucher_due == D("0.00")
    with pytest.raises(AmountError):
        gateway.authorize(order, "GIFT-5000-BBBB")
    shop.later(minutes=2)
    gateway.settle()
    assert (shop.bookings(first), shop.bookings(second)) == ([("charge", D("50.00"))], [])


def test_a_single_payment_is_charged_no_more_than_its_order_needs(shop):
    shop.voucher("50.00", code="GIFT-5000-AAAA")
    shop.voucher("50.00", code="GIFT-5000-BBBB")
    order = shop.order("50.00", "A-1002")
    first = gateway.authorize(order, "GIFT-5000-AAAA")
    shop.later(minutes=40)
    gateway.settle()
    gateway.authorize(order, "GIFT-5000-BBBB")
    gateway.capture(order)
    assert gateway.capture(first) == []
    assert order.voucher_captured == D("50.00")


@pytest.fixture
def charged_twice(order):
    """Two deliveries, charged as 5.00 and 15.00."""
    gateway.capture(order, "5.00")
    gateway.capture(order, "15.00")
    return order


BOTH_BACK = [("refund", D("15.00")), ("refund", D("5.00"))]


@pytest.mark.parametrize(("verb", "ended"), [(gateway.refund, "refunded"), (gateway.cancel, "cancelled")])
def test_both_parts_go_back_after_the_commit_of_one_transaction(shop, charged_twice, voucher, verb, ended):
    with transaction.atomic():
        verb(charged_twice)
        assert shop.bookings(voucher)[2:] == []
        assert only_payment().pending
    assert shop.bookings(voucher)[2:] == BOTH_BACK
    assert only_payment().status == ended


@pytest.mark.parametrize("verb", [gateway.refund, gateway.cancel])
def test_neither_part_goes_back_when_the_transaction_rolls_back(shop, charged_twice, voucher, verb):
    with pytest.raises(RuntimeError), transaction.atomic():
        verb(charged_twice)
        raise RuntimeError
    shop.later(minutes=2)
    gateway.settle()
    assert shop.bookings(voucher)[2:] == []
    assert not VoucherOperation.objects.filter(kind="refund").exists()


def test_a_part_of_the_sum_goes_back_from_two_charges_in_one_transaction(shop, charged_twice, voucher):
    with transaction.atomic():
        gateway.refund(charged_twice, "16.00")
    assert shop.bookings(voucher)[2:] == [("refund", D("15.00")), ("refund", D("1.00"))]
    assert charged_twice.voucher_refunded == D("16.00")


@pytest.mark.parametrize("verb", [gateway.refund, gateway.cancel])
def test_the_second_part_waits_while_the_first_is_unknown(shop, charged_twice, voucher, verb):
    """Outside a transaction: everything is refunded, although the answer to the first part is lost."""
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        verb(charged_twice)
    assert shop.bookings(voucher)[2:] == BOTH_BACK[:1]
    first, second = VoucherOperation.objects.filter(kind="refund")
    assert (first.state, second.state, second.waits) == ("unknown", "due", True)
    for _ in range(3):
        shop.later(minutes=2)
        gateway.settle()
    assert shop.bookings(voucher)[2:] == BOTH_BACK
    assert only_payment().status in ("refunded", "cancelled")


def test_a_part_that_waits_is_not_sent_while_the_first_is_unknown(shop, charged_twice, voucher):
    """The first request was lost: it is retried after the grace period, and only then is the second sent."""
    shop.cloud.faults.next("before:drop", method="POST", path="*/refund")
    with transaction.atomic():
        gateway.refund(charged_twice)
    shop.later(minutes=2)
    gateway.settle()
    assert shop.bookings(voucher)[2:] == []
    for _ in range(4):
        shop.later(minutes=16)
        gateway.settle()
    assert shop.bookings(voucher)[2:] == BOTH_BACK
    assert only_payment().status == "refunded"


def test_a_part_that_waits_counts_as_given_back(shop, charged_twice):
    shop.cloud.faults.next("before:drop", method="POST", path="*/refund")
    with transaction.atomic():
        gateway.refund(charged_twice)
    with pytest.raises(OperationInProgressError):
        gateway.refund(charged_twice, "5.00")


def test_a_request_to_cancel_takes_a_part_that_waits_back_and_gives_back_all(shop, charged_twice, voucher):
    shop.cloud.faults.next("before:503", times=99)
    with transaction.atomic():
        gateway.refund(charged_twice, "16.00")
    shop.cloud.faults.clear()
    gateway.cancel(charged_twice)
    assert shop.bookings(voucher)[2:] == BOTH_BACK
    assert only_payment().status == "cancelled"


def test_a_refused_part_does_not_keep_the_other_from_going_back(shop, charged_twice, voucher, reviews):
    shop.cloud.faults.next("before:422", method="POST", path="*/refund")
    with transaction.atomic():
        gateway.refund(charged_twice)
    assert shop.bookings(voucher)[2:] == BOTH_BACK[1:]
    assert reviews == [D("15.00")]


def test_all_goes_back_after_a_smaller_refund_that_still_waits(shop, charged_twice, voucher):
    """A full refund sends the queued small one first, and then the rest of its charge."""
    shop.cloud.faults.next("before:503", times=99)
    with pytest.raises(UnavailableError):
        gateway.refund(charged_twice, "2.00")
    shop.cloud.faults.clear()
    gateway.refund(charged_twice)
    assert shop.bookings(voucher)[2:] == [
        ("refund", D("2.00")),
        ("refund", D("13.00")),
        ("refund", D("5.00")),
    ]


def test_all_goes_back_after_a_smaller_refund_in_the_same_transaction(shop, charged_twice, voucher):
    with transaction.atomic():
        gateway.refund(charged_twice, "2.00")
        gateway.refund(charged_twice)
    assert shop.bookings(voucher)[2:] == [
        ("refund", D("2.00")),
        ("refund", D("13.00")),
        ("refund", D("5.00")),
    ]


def test_a_lost_answer_of_the_first_part_is_told_as_such(shop, charged_twice):
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(charged_twice)


@pytest.mark.parametrize("verb", [gateway.select, gateway.authorize])
def test_the_code_entered_again_after_a_part_is_a_new_payment_that_takes_over(shop, order, voucher, verb):
    gateway.capture(order, "5.00")
    verb(order, CODE)
    first, _ = VoucherPayment.objects.all()
    assert (first.amount_agreed, first.sealed_code) == (D("5.00"), "")
    gateway.authorize_selected(order)
    gateway.capture(order, "25.00")
    assert shop.bookings(voucher) == [("charge", D("5.00")), ("charge", D("25.00"))]


@pytest.mark.parametrize("verb", [gateway.select, gateway.authorize])
def test_the_code_entered_again_while_a_part_waits_is_refused(shop, order, verb):
    gateway.capture(order, "5.00")
    shop.cloud.faults.next("before:503", times=99)
    with pytest.raises(UnavailableError):
        gateway.capture(order, "15.00")
    shop.cloud.faults.clear()
    with pytest.raises(OperationInProgressError):
        verb(order, CODE)
    assert VoucherPayment.objects.count() == 1


def test_a_second_delivery_is_captured_after_the_first_came_back(shop, order, voucher):
    gateway.capture(order, "5.00")
    gateway.refund(order)
    assert only_payment().status == "refunded"
    gateway.capture(order, "15.00")
    assert (only_payment().status, only_payment().sealed_code) == ("captured", "")
    assert shop.bookings(voucher) == [("charge", D("5.00")), ("refund", D("5.00")), ("charge", D("15.00"))]


def test_what_is_held_for_a_second_delivery_outlasts_the_return_of_the_first(shop, order, voucher):
    from voucher_payment_gateway.gateway.operations.reservation import renew

    gateway.capture(order, "5.00")
    renew(only_payment(), D("15.00"), 4)
    gateway.refund(order)
    assert (only_payment().status, only_payment().amount_authorized) == ("authorized", D("15.00"))
    gateway.capture(order)
    assert shop.bookings(voucher)[-1] == ("charge", D("15.00"))


def test_after_the_return_of_all_that_was_agreed_no_code_is_kept(shop, order):
    gateway.capture(order)
    gateway.refund(order)
    assert (only_payment().status, only_payment().sealed_code) == ("refunded", "")


@pytest.fixture
def second_part_waits(shop, order):
    """The first delivery was returned, and the charge of the second one is queued."""
    gateway.capture(order, "5.00")
    gateway.refund(order)
    shop.cloud.faults.next("before:503", times=99)
    with pytest.raises(UnavailableError):
        gateway.capture(order, "15.00")
    shop.cloud.faults.clear()
    return order


def test_cancel_withdraws_a_second_part_after_the_first_came_back(shop, second_part_waits, voucher):
    gateway.cancel(second_part_waits)
    assert (only_payment().status, only_payment().sealed_code) == ("cancelled", "")
    shop.later(minutes=5)
    gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("5.00")), ("refund", D("5.00"))]


def test_cancel_after_all_that_was_captured_came_back_erases_the_code(order):
    gateway.capture(order, "5.00")
    gateway.refund(order)
    gateway.cancel(order)
    assert (only_payment().status, only_payment().sealed_code) == ("cancelled", "")
    with pytest.raises(WrongStateError):
        gateway.capture(order, "15.00")


def test_a_cancel_while_the_refund_is_in_flight_erases_the_code(shop, order, during):
    gateway.capture(order, "5.00")
    during("refund", lambda: gateway.cancel(order))
    gateway.refund(order)
    shop.later(minutes=2)
    gateway.settle()
    assert (only_payment().status, only_payment().sealed_code) == ("cancelled", "")


@pytest.mark.parametrize("verb", [gateway.select, gateway.authorize])
def test_the_code_entered_again_while_a_second_part_waits_after_a_return_is_refused(
    shop, second_part_waits, verb
):
    with pytest.raises(OperationInProgressError):
        verb(second_part_waits, CODE)
    shop.later(minutes=5)
    assert gateway.settle().still_open == 0
    assert second_part_waits.voucher_captured == D("20.00")


def test_the_code_entered_again_after_a_return_takes_over_what_was_left(shop, order, voucher):
    gateway.capture(order, "5.00")
    gateway.refund(order)
    earlier = only_payment()
    gateway.authorize(order, CODE)
    with pytest.raises(WrongStateError):
        gateway.capture(earlier, "15.00")
    gateway.capture(order)
    assert shop.bookings(voucher)[2:] == [("charge", D("30.00"))]
