"""The same code and voucher id at two merchants are two vouchers: nothing of one counts for the other."""

from decimal import Decimal as D

import pytest

from tests.accounts.conftest import CODE, bookings
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    OperationInProgressError,
    OutcomeUnknownError,
    UnavailableError,
)
from voucher_payment_gateway.models import VoucherPayment

SAME = {"id": "same-id"}


@pytest.fixture
def twins(market):
    """Vouchers with the same code and the same id, of 20.00 each."""
    return market.vouchers("20.00", "20.00", **SAME)


def order(number):
    return Order.objects.get(number=number)


def payment(number):
    return VoucherPayment.objects.get(order_number=number)


def test_what_a_confirmed_order_counts_on_is_not_missing_at_the_other_merchant(market, twins):
    market.held("N-1", "20.00")
    assert market.held("S-1", "20.00").voucher_authorized == D("20.00")
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize(market.order("N-2", "20.00"), CODE)
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize(market.order("S-2", "20.00"), CODE)


def test_a_hold_at_one_merchant_does_not_end_that_at_the_other(market, twins):
    first, other = market.order("N-1", "20.00"), market.order("S-1", "20.00")
    gateway.authorize(first, CODE)
    gateway.authorize(other, CODE)
    assert (payment("N-1").status, payment("S-1").status) == ("authorized", "authorized")
    gateway.authorize(market.order("N-2", "20.00"), CODE)  # replaces the one at its own merchant
    assert (payment("N-1").status, payment("S-1").status) == ("lapsed", "authorized")


def test_a_hold_made_again_leaves_the_other_merchants_alone(market, twins):
    market.order("N-1", "20.00"), market.order("S-1", "20.00")
    for number in ("N-1", "S-1"):
        gateway.authorize(order(number), CODE)
    market.later(minutes=31)
    gateway.authorize_selected(order("S-1"))
    gateway.capture(order("S-1"))
    assert payment("N-1").status == "authorized"
    assert bookings(market.north, twins[0]) == []


def test_confirmations_are_counted_for_each_merchant(market, twins):
    market.held("N-1", "5.00"), market.held("N-2", "5.00"), market.held("S-1", "5.00")
    assert [payment(number).confirmation for number in ("N-1", "N-2", "S-1")] == [1, 2, 1]


def test_a_charge_in_flight_does_not_keep_the_other_merchants_code_from_being_entered(market, twins):
    market.held("N-1", "20.00")
    market.north.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order("N-1"))
    with pytest.raises(OperationInProgressError):
        gateway.authorize(market.order("N-2", "20.00"), CODE)
    assert gateway.authorize(market.order("S-1", "20.00"), CODE).amount_authorized == D("20.00")


def test_charges_on_the_same_id_follow_one_another_and_none_is_lost(market, twins):
    """The index that keeps two workers apart knows the id alone."""
    market.held("N-1", "20.00"), market.held("S-1", "20.00")
    market.north.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order("N-1"))
    with pytest.raises(UnavailableError) as caught:
        gateway.capture(order("S-1"))
    assert caught.value.code == "voucher_busy"
    for _ in range(3):
        market.later(minutes=5)
        gateway.settle()
    assert bookings(market.north, twins[0]) == [("charge", "20.00")]
    assert bookings(market.south, twins[1]) == [("charge", "20.00")]
    assert (payment("N-1").status, payment("S-1").status) == ("captured", "captured")


def test_a_refund_is_not_taken_for_one_of_the_other_merchant(market, twins):
    """Both have a refund of the same amount; each is read and recorded at its own merchant."""
    for number in ("N-1", "S-1"):
        market.held(number, "20.00")
        gateway.capture(order(number))
    gateway.refund(order("N-1"), D("5.00"))
    market.south.faults.next("after:drop", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order("S-1"), D("5.00"))
    for _ in range(3):
        market.later(minutes=20)
        gateway.settle()
    assert payment("S-1").amount_refunded == D("5.00")
    assert bookings(market.south, twins[1]) == [("charge", "20.00"), ("refund", "5.00")]
