"""What cannot be charged any more is taken off an order, without giving back what was charged of it."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.shop import signals as events
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    AmountError,
    OperationInProgressError,
    OutcomeUnknownError,
    UnavailableError,
    WrongStateError,
)
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import OrderAdapter

CODE = "GIFT-2000-ABCD"
EVENTS = {
    "authorize": "tests.shop.signals.confirmed",
    "capture": "tests.shop.signals.shipped",
    "refund": "tests.shop.signals.returned",
    "cancel": "tests.shop.signals.aborted",
}
ON_STATUS = {"field": "status", "authorize": ["confirmed"], "capture": ["shipped"]}


@pytest.fixture
def voucher(shop):
    return shop.voucher("80.00", code=CODE)


@pytest.fixture
def order(shop, voucher):
    """A confirmed order of 50.00 whose first parcel of 20.00 was charged."""
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)
    gateway.capture(order, "20.00")
    shop.later(minutes=5)
    return order


def spend_at_a_till(shop):
    shop.cloud.charge(shop.cloud.reserve(CODE, "60.00"), "TILL")


def payment():
    return VoucherPayment.objects.get()


def bookings(shop, voucher):
    return [(kind, str(amount)) for kind, amount in shop.bookings(voucher) if str(amount) != "60.00"]


def set_total(order, total):
    order.total = D(total)
    order.save()


def test_the_rest_that_failed_is_taken_off_and_what_was_charged_stays(shop, order, voucher, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    spend_at_a_till(shop)
    with pytest.raises(WrongStateError):
        events.shipped.send(None, order=order)
    assert list(VoucherPayment.current.needing_attention()) == [payment()]
    gateway.cancel(payment(), refund=False, actor="anna")
    assert not VoucherPayment.current.needing_attention().exists()
    assert bookings(shop, voucher) == [("charge", "20.00")]
    assert (payment().status, payment().amount_agreed, order.voucher_due) == (
        "captured",
        D("20.00"),
        D("30.00"),
    )
    events.shipped.send(None, order=order)


def test_the_rest_that_is_still_held_is_released(shop, order, voucher):
    gateway.cancel(payment(), refund=False)
    other = shop.order("60.00", number="A-2")
    gateway.authorize(other, CODE)
    assert other.voucher_due == D("0.00")
    assert bookings(shop, voucher) == [("charge", "20.00")]


def test_a_payment_without_a_charge_is_cancelled(shop, voucher):
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    gateway.cancel(order, refund=False)
    assert payment().status == "cancelled"


def test_what_was_charged_in_full_is_left_alone(shop, order, voucher):
    gateway.capture(order)
    gateway.cancel(order, refund=False)
    assert (payment().status, payment().amount_captured) == ("captured", D("50.00"))
    assert [kind for kind, _ in shop.bookings(voucher)] == ["charge", "charge"]


def test_while_an_outcome_is_open_nothing_is_taken_off(shop, order):
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    with pytest.raises(OperationInProgressError):
        gateway.cancel(order, refund=False)
    shop.later(minutes=40)
    gateway.settle()
    assert (payment().status, payment().amount_captured) == ("captured", D("50.00"))


def test_what_the_order_does_not_need_any_more_is_no_unpaid_rest_after_its_days(shop, order):
    set_total(order, "20.00")
    for _ in range(32):
        shop.later(days=1)
        gateway.settle()
    assert payment().sealed_code == ""
    assert not VoucherPayment.current.needing_attention().exists()


def test_a_rest_that_lapsed_for_good_is_told_once_by_a_status(shop, order, gateway_settings, record_signal):
    gateway_settings(ON_STATUS=ON_STATUS)
    for _ in range(31):
        shop.later(days=1)
        gateway.settle()
    failed = record_signal("payment_failed")
    for _ in range(2):
        order.status = "shipped"
        order.save()
    assert failed == [("A-1001", D("30.00"))]


def test_an_order_in_another_currency_does_not_ship_in_silence(shop, voucher, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)
    order.currency = "CHF"
    order.save()
    with pytest.raises(WrongStateError, match="CHF"):
        events.shipped.send(None, order=order)


def test_an_order_that_was_returned_and_ships_again_is_told(shop, order, gateway_settings, caplog):
    gateway_settings(TOTAL_AFTER_RETURN="lowered")
    gateway.capture(order)
    set_total(order, "0.00")
    gateway.refund(order)
    set_total(order, "50.00")
    caplog.clear()
    assert gateway.capture(order) == []
    assert "50.00 EUR are due" in caplog.text


def test_what_settle_is_to_send_is_not_taken_off(shop, order, voucher):
    shop.cloud.faults.next("before:503", times=9)
    with pytest.raises(UnavailableError):
        gateway.refund(order, "15.00", key="r1")
    with pytest.raises(OperationInProgressError):
        gateway.cancel(order, refund=False)
    shop.cloud.faults.clear()
    for _ in range(3):
        shop.later(minutes=10)
        gateway.settle()
    assert bookings(shop, voucher) == [("charge", "20.00"), ("refund", "15.00")]


def test_a_charge_of_the_same_transaction_is_not_taken_off(shop, voucher):
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)
    with transaction.atomic():
        gateway.capture(order, "20.00")
        with pytest.raises(OperationInProgressError):
            gateway.cancel(order, refund=False)
    assert bookings(shop, voucher) == [("charge", "20.00")]


def test_nothing_is_taken_off_while_an_outcome_of_another_voucher_is_open(shop, order):
    shop.voucher("50.00", code="GIFT-B")
    set_total(order, "90.00")
    gateway.authorize(order, "GIFT-B")
    second = VoucherPayment.objects.last()
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(second)
    with pytest.raises(OperationInProgressError):
        gateway.cancel(order, refund=False)
    assert VoucherPayment.objects.first().sealed_code


def test_a_key_is_not_used_for_both_ways_to_cancel(shop, order):
    gateway.cancel(order, refund=False, key="k")
    with pytest.raises(AmountError):
        gateway.cancel(order, key="k")


def test_of_two_vouchers_whose_codes_end_on_one_day_one_may_still_be_needed(shop):
    order = shop.order("60.00")
    for code in ("GIFT-A", "GIFT-B"):
        shop.voucher("30.00", code=code)
        gateway.authorize(order, code)
    gateway.authorize_selected(order)
    gateway.capture(order, "10.00")
    set_total(order, "30.00")
    for _ in range(32):
        shop.later(days=1)
        gateway.settle()
    assert order.voucher_due == D("20.00")
    assert VoucherPayment.current.needing_attention().count() == 1
    with pytest.raises(WrongStateError):
        gateway.capture(order)


def test_an_order_that_cannot_be_read_keeps_no_code_from_being_erased(shop, order, monkeypatch):
    monkeypatch.setattr(OrderAdapter, "total", lambda self, order: order.no_such_column)
    for _ in range(32):
        shop.later(days=1)
        gateway.settle()
    assert payment().sealed_code == ""
    assert VoucherPayment.current.needing_attention().exists()


def test_cover_is_not_firm_while_a_person_decides_about_a_refund(shop, order, gateway_settings):
    gateway_settings(TOTAL_AFTER_RETURN="lowered")
    gateway.capture(order)
    charge = payment().operations.filter(kind="charge").last().remote_id
    shop.cloud.faults.next("before:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "20.00")
    shop.cloud.refund(charge, "20.00", client_id=shop.cloud.add_client().id)
    set_total(order, "30.00")
    for _ in range(12):
        shop.later(minutes=10)
        gateway.settle()
    assert gateway.cover(order).is_firm is False
