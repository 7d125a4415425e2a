"""Operations that are queued behind another one on their voucher, of any order: each is executed later."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.gateway.operations.charge import CHARGE
from voucher_payment_gateway.gateway.operations.transitions import succeed
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-4000-ABCD"
ON_STATUS = {
    "field": "status",
    "capture": ["shipped"],
    "refund": ["returned"],
    "cancel": ["cancelled"],
}
BACK = ("refund", D("20.00"))


@pytest.fixture
def voucher(shop):
    return shop.voucher("40.00", code=CODE)


@pytest.fixture
def orders(shop, voucher):
    """Two orders paid with the same voucher."""
    pair = [shop.order("20.00", number) for number in ("A-1", "B-1")]
    for order in pair:
        gateway.authorize(order, CODE)
        gateway.capture(order)
    return pair


def settle_for(shop, minutes):
    for _ in range(minutes // 2):
        shop.later(minutes=2)
        gateway.settle()


def save(order, status):
    order.status = status
    order.save()


def lose_the_answer(shop, what):
    shop.cloud.faults.next("after:drop", method="POST", path=f"*/{what}")


@pytest.mark.parametrize("verb", [gateway.refund, gateway.cancel])
def test_a_second_order_is_refunded_once_the_first_ones_refund_is_known(shop, orders, voucher, verb):
    lose_the_answer(shop, "refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(orders[0])
    with pytest.raises(UnavailableError) as caught:
        verb(orders[1])
    assert (caught.value.code, caught.value.money_moved) == ("voucher_busy", "no")
    assert shop.bookings(voucher).count(BACK) == 1
    settle_for(shop, 6)
    assert shop.bookings(voucher).count(BACK) == 2
    assert orders[1].voucher_refunded == D("20.00")


@pytest.mark.parametrize("status", ["returned", "cancelled"])
def test_two_orders_change_their_status_in_one_transaction(shop, orders, voucher, gateway_settings, status):
    gateway_settings(ON_STATUS=ON_STATUS)
    with transaction.atomic():
        for order in orders:
            save(order, status)
    assert shop.bookings(voucher).count(BACK) == 2
    assert not any(payment.pending for payment in VoucherPayment.objects.all())


def test_two_orders_of_one_voucher_are_shipped_in_one_transaction(shop, voucher, gateway_settings):
    """The second order has replaced the hold; the first reserves again once the second is charged."""
    gateway_settings(ON_STATUS=ON_STATUS)
    pair = [shop.order("20.00", number) for number in ("A-1", "B-1")]
    for order in pair:
        gateway.authorize(order, CODE)
    with transaction.atomic():
        for order in pair:
            save(order, "shipped")
    settle_for(shop, 6)
    assert shop.bookings(voucher) == [("charge", D("20.00"))] * 2
    assert [order.voucher_captured for order in pair] == [D("20.00")] * 2


@pytest.fixture
def paid_twice(shop, voucher):
    """One order that captured the same voucher by two payments."""
    order = shop.order("30.00", "A-1")
    for amount in ("15.00", None):
        gateway.authorize(order, CODE, amount=amount)
        gateway.capture(order)
    assert VoucherPayment.objects.count() == 2
    return order


def test_two_payments_of_one_voucher_are_cancelled_in_one_transaction(shop, paid_twice, voucher):
    with transaction.atomic():
        gateway.cancel(paid_twice)
    assert shop.bookings(voucher)[2:] == [("refund", D("15.00"))] * 2
    assert set(VoucherPayment.objects.values_list("status", flat=True)) == {"cancelled"}


def test_the_second_payment_is_cancelled_though_the_answer_to_the_first_is_lost(shop, paid_twice, voucher):
    lose_the_answer(shop, "refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.cancel(paid_twice)
    settle_for(shop, 6)
    assert shop.bookings(voucher)[2:] == [("refund", D("15.00"))] * 2
    assert set(VoucherPayment.objects.values_list("status", flat=True)) == {"cancelled"}


def test_an_order_that_is_returned_while_its_charge_is_unknown_is_refunded_once_it_is_found(
    shop, voucher, gateway_settings
):
    gateway_settings(ON_STATUS=ON_STATUS)
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    lose_the_answer(shop, "charge")
    save(order, "shipped")
    save(order, "returned")
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    settle_for(shop, 6)
    assert shop.bookings(voucher) == [("charge", D("20.00")), BACK]
    assert VoucherPayment.objects.get().status == "refunded"


def test_an_order_that_is_returned_while_a_part_is_on_its_way_back_gets_the_rest(
    shop, orders, voucher, gateway_settings
):
    gateway_settings(ON_STATUS=ON_STATUS)
    lose_the_answer(shop, "refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(orders[0], "5.00")
    save(orders[0], "returned")
    settle_for(shop, 6)
    assert shop.bookings(voucher)[2:] == [("refund", D("5.00")), ("refund", D("15.00"))]


def test_a_request_to_cancel_that_meets_a_refund_which_was_first_is_kept(shop, orders, voucher, monkeypatch):
    """Another worker creates the refund between the read of the payment and the plan."""
    from voucher_payment_gateway.gateway.verbs import cancel_payment

    refund_payment = cancel_payment.refund_payment

    def second(payment, **by):
        monkeypatch.undo()
        lose_the_answer(shop, "refund")
        with pytest.raises(OutcomeUnknownError):
            gateway.refund(orders[0], "5.00")
        refund_payment(payment, **by)

    monkeypatch.setattr(cancel_payment, "refund_payment", second)
    gateway.cancel(orders[0])
    settle_for(shop, 6)
    assert VoucherPayment.objects.get(order_number="A-1").status == "cancelled"
    assert shop.bookings(voucher)[2:] == [("refund", D("5.00")), ("refund", D("15.00"))]


def test_what_waits_is_not_counted_as_sent(shop, orders):
    shop.cloud.faults.next("before:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(orders[0])
    with pytest.raises(UnavailableError):
        gateway.refund(orders[1])
    shop.later(minutes=2)
    assert gateway.settle().sent == 0
    assert VoucherOperation.objects.filter(waits=True, state="due").count() == 1


def test_asked_again_what_waits_is_not_called_done(shop, orders, voucher):
    lose_the_answer(shop, "refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(orders[0])
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            gateway.refund(orders[1])
        assert caught.value.code == "voucher_busy"
    settle_for(shop, 6)
    assert shop.bookings(voucher).count(BACK) == 2


def returned(number="A-1"):
    Order.objects.filter(number=number).update(status="returned")


@pytest.fixture
def shipping(shop, voucher, gateway_settings):
    """An order that is to be charged by its status."""
    gateway_settings(ON_STATUS=ON_STATUS)
    order = shop.order("20.00", "A-1")
    gateway.authorize(order, CODE)
    return order


def test_an_order_that_is_returned_while_its_charge_is_in_flight_is_refunded(shop, shipping, voucher, during):
    during("charge", returned)
    save(shipping, "shipped")
    assert shop.bookings(voucher) == [("charge", D("20.00")), BACK]


def test_an_order_that_is_returned_in_a_transaction_while_its_charge_is_found_is_refunded(
    shop, shipping, voucher
):
    """The worker that finds the charge still reads the old status; the new one is committed a moment later."""
    lose_the_answer(shop, "charge")
    save(shipping, "shipped")
    with transaction.atomic():
        save(shipping, "returned")
        assert shop.bookings(voucher) == [("charge", D("20.00"))]
        operation = VoucherOperation.objects.get(kind="charge")
        succeed(CHARGE, operation, shop.cloud.bookings(voucher.id)[0].id)
    assert shop.bookings(voucher) == [("charge", D("20.00")), BACK]


def test_an_order_that_is_returned_while_a_second_charge_fails_is_refunded(shop, shipping, voucher):
    gateway.capture(shipping, "5.00")
    shop.cloud.faults.next("before:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(shipping, "15.00")
    save(shipping, "returned")
    shop.cloud.faults.next("before:422", method="POST", path="/v1/reservations", times=99)
    settle_for(shop, 60)
    assert shop.bookings(voucher) == [("charge", D("5.00")), ("refund", D("5.00"))]
