"""Unreadable bookings: nothing is decided, and a review is requested."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.models import VoucherOperation

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def unreadable(shop):
    """When called, lists of bookings are answered with this from now on."""
    return lambda: shop.cloud.faults.next("after:garbage", method="GET", path="*/charges", times=999)


def the(kind):
    return VoucherOperation.objects.filter(kind=kind).latest("pk")


def test_a_refund_without_a_baseline_is_given_to_a_person_after_a_day(
    shop, order, voucher, unreadable, reviews
):
    gateway.capture(order)
    unreadable()
    with pytest.raises(UnavailableError) as caught:
        gateway.refund(order)
    assert caught.value.code == "baseline_unreadable"
    for _ in range(25):
        shop.later(minutes=61)
        gateway.settle()
    assert (the("refund").state, the("refund").error_code) == ("manual", "forbidden")
    assert reviews == [D("20.00")]
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_that_an_unknown_charge_cannot_be_looked_up_is_told_once(shop, order, voucher, unreadable, reviews):
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    unreadable()
    for _ in range(5):
        shop.later(minutes=61)
        gateway.settle()
    assert (the("charge").state, reviews) == ("unknown", [D("20.00")])
    shop.cloud.faults.clear()
    shop.later(minutes=61)
    assert gateway.settle().found == 1
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
