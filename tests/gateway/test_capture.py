"""Capture charges once, whatever the state of the reservation."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    AmountError,
    InsufficientBalanceError,
    ReservationClosedError,
    WrongStateError,
)
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment


@pytest.fixture
def authorized(shop):
    voucher = shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    return order, voucher


def test_capture_charges_what_is_held(shop, authorized):
    order, voucher = authorized
    (payment,) = gateway.capture(order)
    assert (payment.status, payment.amount_captured) == ("captured", D("20.00"))
    assert (order.voucher_captured, order.voucher_authorized, order.voucher_due) == (
        D("20.00"),
        D("0.00"),
        D("30.00"),
    )
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_the_order_number_sent_starts_with_the_shops_own_and_counts_the_captures(shop, authorized):
    import re

    order, voucher = authorized
    gateway.capture(order)
    (booking,) = shop.cloud.bookings(voucher.id)
    assert re.fullmatch(r"A-1001-1\.[0-9a-f]{10}", booking.order_number)
    assert VoucherOperation.objects.get(kind="charge").reference == booking.order_number


def test_capture_twice_charges_once(shop, authorized):
    order, voucher = authorized
    gateway.capture(order)
    assert gateway.capture(order) == []
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_the_code_is_erased_once_it_is_charged(shop, authorized):
    assert VoucherPayment.objects.get().sealed_code
    gateway.capture(authorized[0])
    assert VoucherPayment.objects.get().sealed_code == ""


def test_a_part_is_captured_by_reserving_the_smaller_amount(shop, authorized):
    order, voucher = authorized
    (payment,) = gateway.capture(order, "5.00")
    assert payment.amount_captured == D("5.00")
    assert shop.bookings(voucher) == [("charge", D("5.00"))]
    assert (order.voucher_authorized, order.voucher_due) == (D("0.00"), D("45.00"))
    assert order.__class__.objects.get().voucher_reservation_ids == [payment.reservation_id]


def test_an_amount_is_captured_from_the_earlier_voucher_first(shop, authorized):
    order, voucher = authorized
    second = shop.voucher("20.00", code="GIFT-2000-WXYZ")
    gateway.authorize(order, "GIFT-2000-WXYZ")
    gateway.capture(order, "25.00")
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert shop.bookings(second) == [("charge", D("5.00"))]


def test_more_than_is_held_is_refused_and_nothing_is_sent(shop, authorized):
    shop.calls()
    with pytest.raises(AmountError):
        gateway.capture(authorized[0], "20.01")
    assert shop.calls() == []


def test_a_lapsed_reservation_is_made_again_once_with_the_sealed_code(shop, authorized, settings):
    order, voucher = authorized
    VoucherPayment.objects.update(reserved_until="2020-01-01T00:00:00Z")
    shop.cloud.clock.advance(3600)
    (payment,) = gateway.capture(order)
    assert payment.amount_captured == D("20.00")
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_reservation_taken_over_by_a_till_is_made_again_once(shop, authorized):
    order, voucher = authorized
    from voucher_payment_gateway.connection import voucher_cloud

    voucher_cloud().reserve(code="GIFT-2000-ABCD", amount=D("1.00"), currency="EUR")
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    states = VoucherOperation.objects.filter(kind="charge").values_list("state", flat=True)
    assert list(states) == ["refused", "succeeded"]


def test_a_voucher_spent_elsewhere_fails_the_payment_and_says_what_is_available(shop, authorized):
    from voucher_payment_gateway.connection import voucher_cloud

    till = voucher_cloud()
    till.charge(till.reserve(code="GIFT-2000-ABCD", amount=D("15.00"), currency="EUR").id, "TILL-1")
    with pytest.raises(InsufficientBalanceError) as caught:
        gateway.capture(authorized[0])
    assert caught.value.available == D("5.00")
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.amount_authorized, payment.sealed_code) == ("failed", D("0.00"), "")
    assert authorized[0].voucher_due == D("50.00")


def test_without_sealing_keys_a_lapsed_reservation_needs_the_customer(shop, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    VoucherPayment.objects.update(reserved_until="2020-01-01T00:00:00Z")
    with pytest.raises(ReservationClosedError):
        gateway.capture(order)


def test_capture_of_a_cancelled_payment_is_refused(shop, authorized):
    gateway.cancel(authorized[0])
    shop.calls()
    with pytest.raises(WrongStateError, match="cancelled"):
        gateway.capture(authorized[0])
    assert shop.calls() == []


def test_an_order_without_vouchers_is_left_alone(shop):
    order = shop.order("50.00")
    assert gateway.capture(order) == gateway.refund(order) == gateway.cancel(order) == []
    assert gateway.refund(order, "5.00") == []


def test_inside_of_a_transaction_the_money_moves_after_the_commit(shop, authorized):
    order, voucher = authorized
    with transaction.atomic():
        (payment,) = gateway.capture(order)
        assert payment.pending
        assert shop.bookings(voucher) == []
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert VoucherPayment.objects.get().status == "captured"


def test_a_rollback_of_the_callers_transaction_moves_no_money(shop, authorized):
    order, voucher = authorized
    with pytest.raises(RuntimeError), transaction.atomic():
        gateway.capture(order)
        raise RuntimeError
    assert gateway.settle().sent == 0
    assert shop.bookings(voucher) == []
    assert VoucherPayment.objects.get().status == "authorized"


def test_a_single_payment_can_be_captured(shop, authorized):
    order, voucher = authorized
    shop.voucher("20.00", code="GIFT-2000-WXYZ")
    other = gateway.authorize(order, "GIFT-2000-WXYZ")
    assert [payment.pk for payment in gateway.capture(other)] == [other.pk]
    assert shop.bookings(voucher) == []


def test_a_charge_states_the_amount_that_its_call_named_also_after_it_was_charged_again(shop, authorized):
    """None stands for as much as the order needs."""
    order, _ = authorized
    shop.voucher("30.00", code="GIFT-3000-WXYZ")
    gateway.authorize(order, "GIFT-3000-WXYZ")
    shop.cloud.faults.next("before:404", method="POST", path="*/charge")
    gateway.capture(order, "25.00")
    gateway.capture(order)
    charges = VoucherOperation.objects.filter(kind="charge").order_by("payment", "pk")
    assert list(charges.values_list("amount", "state", "amount_asked")) == [
        (D("20.00"), "refused", D("25.00")),
        (D("20.00"), "succeeded", D("25.00")),
        (D("5.00"), "succeeded", D("25.00")),
    ]
