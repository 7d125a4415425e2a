"""A hold that no longer fits its order, or is gone: the rows and the errors say so."""

import json
from dataclasses import replace
from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.summary import summarise
from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    ReservationClosedError,
    UnavailableError,
)
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def costs(shop):
    """Change the total of the order."""

    def change(order, total):
        order.total = D(total)
        order.save()

    return change


def test_what_an_order_that_costs_nothing_any_more_holds_is_let_go(shop, costs):
    shop.voucher("20.00")
    order = shop.order("20.00")
    payment = gateway.authorize(order, CODE)
    costs(order, "0.00")
    assert gateway.authorize_selected(order) == []
    payment.refresh_from_db()
    assert (payment.status, payment.amount_authorized) == ("lapsed", D("0.00"))
    assert (gateway.cover(order).held, gateway.cover(order).is_firm) == (D("0.00"), True)
    costs(order, "15.00")
    assert [held.amount_authorized for held in gateway.authorize_selected(order)] == [D("15.00")]


def test_what_is_held_beside_more_than_enough_that_was_charged_is_let_go(shop, costs):
    shop.voucher("20.00")
    shop.voucher("20.00", code="GIFT-2000-WXYZ")
    order = shop.order("40.00")
    charged = gateway.authorize(order, CODE)
    gateway.authorize(order, "GIFT-2000-WXYZ")
    gateway.capture(charged)
    costs(order, "15.00")
    assert summarise(order).overheld == D("20.00")
    gateway.authorize_selected(order)
    assert (gateway.cover(order).held, summarise(order).overheld) == (D("0.00"), D("0.00"))


@pytest.fixture
def without_keys(gateway_settings):
    gateway_settings(SEALING_KEYS=[])


@pytest.fixture
def outgrown(shop, voucher, costs):
    """An order whose total is higher than its hold and than the balance of its voucher."""
    order = shop.order("10.00")
    gateway.authorize(order, CODE)
    costs(order, "30.00")
    return order


@pytest.fixture
def half_way(shop):
    """From now on reading the balance fails; the reservation before it succeeds."""
    return lambda: shop.cloud.faults.next("before:500", method="GET", path="*/vouchers/*", times=99)


def test_a_hold_that_was_replaced_half_way_is_not_firm(shop, without_keys, outgrown, voucher, half_way):
    half_way()
    with pytest.raises(UnavailableError):
        gateway.authorize(outgrown, CODE)
    assert not gateway.cover(outgrown).is_firm
    with pytest.raises(ReservationClosedError, match="has ended"):
        gateway.capture(outgrown)
    shop.cloud.faults.clear()
    gateway.authorize(outgrown, CODE)
    gateway.capture(outgrown)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_hold_that_was_replaced_half_way_is_reserved_again(shop, outgrown, voucher, half_way):
    half_way()
    with pytest.raises(UnavailableError):
        gateway.authorize_selected(outgrown)
    assert not gateway.cover(outgrown).is_firm
    shop.cloud.faults.clear()
    assert [held.amount_authorized for held in gateway.authorize_selected(outgrown)] == [D("20.00")]
    gateway.capture(outgrown)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_hold_is_as_good_as_before_where_nothing_was_reserved(shop, outgrown):
    shop.cloud.faults.next("before:503", path="*/reservations", times=99)
    with pytest.raises(UnavailableError):
        gateway.authorize(outgrown, CODE)
    (payment,) = VoucherPayment.objects.all()
    assert payment.reserved_until > payment.updated_at


def test_that_a_smaller_hold_needs_the_code_is_what_the_error_says(shop, without_keys, costs):
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    costs(order, "15.00")
    with pytest.raises(
        ReservationClosedError, match=r"is of 20\.00 EUR, 15\.00 are to be charged and the code"
    ):
        gateway.capture(order)


def test_a_balance_that_is_left_out_is_not_zero(shop):
    shop.voucher("20.00")
    order, answer = shop.order("50.00"), shop.cloud.answer

    def without_balance(request):
        response = answer(request)
        if request.method != "GET":
            return response
        document = {
            name: value for name, value in json.loads(response.body).items() if name != "remaining_amount"
        }
        return replace(response, body=json.dumps(document).encode())

    shop.cloud.answer = without_balance
    with pytest.raises(InsufficientBalanceError) as caught:
        gateway.authorize(order, CODE)
    assert caught.value.code == "balance_unreadable"
    assert not VoucherPayment.objects.exists()
