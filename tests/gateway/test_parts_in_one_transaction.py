"""Several parts of one order, parcels or return lines, in one transaction of the shop: all are written down together,
and follow one another after its commit."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.shop import signals
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import AmountError, OperationInProgressError, OutcomeUnknownError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment


@pytest.fixture
def paid(order):
    gateway.capture(order)
    return order


@pytest.fixture
def paid_by_two(shop):
    """An order of 60.00, paid by vouchers of 20.00 and 40.00."""
    vouchers = [shop.voucher("20.00", "GIFT-2000-AAAA"), shop.voucher("40.00", "GIFT-4000-BBBB")]
    order = shop.order("60.00")
    for voucher in vouchers:
        gateway.authorize(order, voucher.code)
    gateway.capture(order)
    return order, vouchers


def refunds(*amounts):
    return [("refund", D(amount)) for amount in amounts]


def charges(*amounts):
    return [("charge", D(amount)) for amount in amounts]


def settle_for(shop, minutes):
    for _ in range(minutes // 2):
        shop.later(minutes=2)
        gateway.settle()


def test_two_return_lines_both_go_back_after_the_commit(shop, paid, voucher):
    with transaction.atomic():
        gateway.refund(paid, "5.00")
        gateway.refund(paid, "7.00")
        assert shop.bookings(voucher)[1:] == []
    assert shop.bookings(voucher)[1:] == refunds("5.00", "7.00")
    assert paid.voucher_refunded == D("12.00")


def test_two_return_lines_of_the_same_amount_are_two_refunds(shop, paid, voucher):
    with transaction.atomic():
        gateway.refund(paid, "5.00")
        gateway.refund(paid, "5.00")
    assert shop.bookings(voucher)[1:] == refunds("5.00", "5.00")


@pytest.mark.parametrize("second", ["5.00", "7.00"])
def test_two_parcels_are_both_charged_after_the_commit(shop, order, voucher, second):
    with transaction.atomic():
        gateway.capture(order, "5.00")
        gateway.capture(order, second)
        assert shop.bookings(voucher) == []
    assert shop.bookings(voucher) == charges("5.00", second)
    assert order.voucher_captured == D("5.00") + D(second)


def test_three_parcels_charge_all_that_was_agreed_and_erase_the_code(shop, order, voucher):
    with transaction.atomic():
        for amount in ("5.00", "5.00", "10.00"):
            gateway.capture(order, amount)
    assert shop.bookings(voucher) == charges("5.00", "5.00", "10.00")
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.amount_captured, payment.sealed_code) == ("captured", D("20.00"), "")


def test_a_rollback_moves_nothing(shop, paid, voucher):
    with pytest.raises(RuntimeError), transaction.atomic():
        gateway.refund(paid, "5.00")
        gateway.refund(paid, "7.00")
        raise RuntimeError
    settle_for(shop, 4)
    assert shop.bookings(voucher)[1:] == []


def test_a_savepoint_that_is_rolled_back_takes_its_part_alone_with_it(shop, paid, voucher):
    with transaction.atomic():
        gateway.refund(paid, "5.00")
        with pytest.raises(RuntimeError), transaction.atomic():
            gateway.refund(paid, "7.00")
            raise RuntimeError
        gateway.refund(paid, "3.00")
    assert shop.bookings(voucher)[1:] == refunds("5.00", "3.00")


def test_the_part_that_follows_is_sent_though_the_first_was_rolled_back(shop, order, voucher):
    with transaction.atomic():
        with pytest.raises(RuntimeError), transaction.atomic():
            gateway.capture(order, "5.00")
            raise RuntimeError
        gateway.capture(order, "7.00")
    assert shop.bookings(voucher) == charges("7.00")


@pytest.mark.parametrize("verb", [gateway.capture, gateway.refund])
def test_parts_never_add_up_to_more_than_there_is(shop, order, voucher, verb):
    if verb is gateway.refund:
        gateway.capture(order)
    with transaction.atomic():
        verb(order, "15.00")
        with pytest.raises(AmountError):
            verb(order, "5.01")
        verb(order, "5.00")
        with pytest.raises(AmountError):
            verb(order, "0.01")
    moved = order.voucher_captured if verb is gateway.capture else order.voucher_refunded
    assert moved == D("20.00")


def test_a_part_is_no_more_than_the_order_needs(shop, order, voucher):
    order.total = D("12.00")
    order.save()
    with transaction.atomic():
        gateway.capture(order, "5.00")
        with pytest.raises(AmountError) as caught:
            gateway.capture(order, "7.01")
        gateway.capture(order, "7.00")
    assert caught.value.code == "more_than_due"
    assert shop.bookings(voucher) == charges("5.00", "7.00")


@pytest.mark.parametrize("verb", [gateway.capture, gateway.refund])
def test_a_call_without_an_amount_adds_nothing_when_it_is_repeated(shop, order, voucher, verb):
    if verb is gateway.refund:
        gateway.capture(order)
    before = len(shop.bookings(voucher))
    with transaction.atomic():
        verb(order)
        verb(order)
    assert [amount for _, amount in shop.bookings(voucher)[before:]] == [D("20.00")]


def test_parts_of_two_vouchers_in_proportion(shop, paid_by_two, gateway_settings):
    gateway_settings(REFUND_ORDER="pro-rata")
    order, (first, second) = paid_by_two
    with transaction.atomic():
        gateway.refund(order, "6.00")
        gateway.refund(order, "12.00")
    assert shop.bookings(first)[1:] == refunds("2.00", "4.00")
    assert shop.bookings(second)[1:] == refunds("4.00", "8.00")


def test_parts_that_reach_from_one_voucher_into_the_next(shop):
    vouchers = [shop.voucher("20.00", "GIFT-2000-AAAA"), shop.voucher("40.00", "GIFT-4000-BBBB")]
    order = shop.order("60.00")
    for voucher in vouchers:
        gateway.authorize(order, voucher.code)
    with transaction.atomic():
        gateway.capture(order, "15.00")
        gateway.capture(order, "15.00")
        gateway.capture(order, "30.00")
    assert shop.bookings(vouchers[0]) == charges("15.00", "5.00")
    assert shop.bookings(vouchers[1]) == charges("10.00", "30.00")


def test_a_part_is_captured_and_another_one_goes_back_in_one_transaction(shop, order, voucher):
    gateway.capture(order, "5.00")
    with transaction.atomic():
        gateway.refund(order, "5.00")
        gateway.capture(order, "15.00")
    assert shop.bookings(voucher) == [*charges("5.00"), *refunds("5.00"), *charges("15.00")]


def test_the_shops_event_for_two_return_lines(shop, paid, voucher, gateway_settings):
    gateway_settings(EVENTS={"refund": "tests.shop.signals.returned"})
    with transaction.atomic():
        for amount in ("5.00", "7.00"):
            signals.returned.send(None, order=paid, amount=amount)
    assert shop.bookings(voucher)[1:] == refunds("5.00", "7.00")


@pytest.mark.parametrize("verb", [gateway.capture, gateway.refund])
def test_a_crash_after_the_commit_loses_no_part(shop, order, voucher, during, verb):
    """The process dies while it makes the first call: the request is lost, the second part was never sent."""
    if verb is gateway.refund:
        gateway.capture(order)
    before = len(shop.bookings(voucher))

    def die():
        raise KeyboardInterrupt

    during("charge" if verb is gateway.capture else "refund", die)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        verb(order, "5.00")
        verb(order, "7.00")
    assert len(shop.bookings(voucher)) == before
    settle_for(shop, 60)
    assert [amount for _, amount in shop.bookings(voucher)[before:]] == [D("5.00"), D("7.00")]


def test_a_part_waits_while_the_outcome_of_the_one_before_is_unknown(shop, order, voucher):
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with transaction.atomic():
        gateway.capture(order, "5.00")
        gateway.capture(order, "7.00")
    first, second = VoucherOperation.objects.filter(kind="charge")
    assert (first.state, second.state, second.waits) == ("unknown", "due", True)
    settle_for(shop, 6)
    assert shop.bookings(voucher) == charges("5.00", "7.00")


def test_a_refused_part_of_a_refund_does_not_keep_the_other_from_going_back(shop, paid, voucher, reviews):
    shop.cloud.faults.next("before:422", method="POST", path="*/refund")
    with transaction.atomic():
        gateway.refund(paid, "5.00")
        gateway.refund(paid, "7.00")
    assert shop.bookings(voucher)[1:] == refunds("7.00")
    assert reviews == [D("5.00")]


def test_no_part_follows_an_operation_that_may_have_been_sent(shop, paid, voucher):
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(paid, "5.00")
    with transaction.atomic(), pytest.raises(OperationInProgressError):
        gateway.refund(paid, "7.00")
    assert shop.bookings(voucher)[1:] == refunds("5.00")


def test_all_parts_are_withdrawn_when_the_order_is_cancelled_in_the_same_transaction(shop, order, voucher):
    with transaction.atomic():
        gateway.capture(order, "5.00")
        gateway.capture(order, "7.00")
        gateway.cancel(order)
    settle_for(shop, 4)
    assert shop.bookings(voucher) == []
    assert VoucherPayment.objects.get().status == "cancelled"


def test_parts_that_could_not_be_sent_after_the_commit_are_sent_by_settle(shop, paid, voucher):
    shop.cloud.faults.next("before:503", method="POST", path="*/refund")
    with transaction.atomic():
        gateway.refund(paid, "5.00")
        gateway.refund(paid, "7.00")
    states = VoucherOperation.objects.filter(kind="refund").values_list("state", "error_code")
    assert [state for state, _ in states] == ["due", "due"]
    settle_for(shop, 6)
    assert shop.bookings(voucher)[1:] == refunds("5.00", "7.00")
