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


@pytest.mark.parametrize(("verb", "kind"), [("capture", "charge"), ("refund", "refund")])
def test_what_is_unknown_on_a_voucher_that_was_deleted_is_given_to_a_person_after_a_day(
    shop, order, voucher, reviews, verb, kind
):
    """Its bookings can never be read again, and only what is ``manual`` can be decided."""
    if kind == "refund":
        gateway.capture(order)
    shop.cloud.faults.next("before:drop", method="POST", path=f"*/{kind}")
    with pytest.raises(OutcomeUnknownError):
        getattr(gateway, verb)(order)
    shop.cloud.store.state.vouchers[voucher.id].deleted = True
    sweep(shop, hours=22)
    assert (the(kind).state, reviews) == ("unknown", [D("20.00")])
    sweep(shop, hours=4)
    assert (the(kind).state, the(kind).error_code) == ("manual", "voucher_gone")
    assert reviews == [D("20.00")] * 2
    sweep(shop, hours=4)
    assert len(reviews) == 2
    gateway.conclude(the(kind), actor="mia", reason="the voucher is gone")
    assert the(kind).state == "not_applied"


def test_of_a_voucher_that_was_deleted_the_trailing_read_ends_after_a_day(shop, order, voucher, reviews):
    gateway.capture(order)
    shop.cloud.faults.next("before:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order)
    for _ in range(3):
        shop.later(minutes=16)
        gateway.settle()
    assert (the("refund").state, the("refund").attempts) == ("succeeded", 2)
    shop.cloud.store.state.vouchers[voucher.id].deleted = True
    sweep(shop, hours=22)
    assert the("refund").reread_at
    sweep(shop, hours=4)
    assert (the("refund").reread_at, reviews) == (None, [])


def test_what_is_to_be_verified_on_a_voucher_that_was_deleted_is_given_to_a_person_after_a_day(
    shop, order, voucher
):
    """A clear "no" is believed after a read of the bookings only, and there can be none any more."""
    shop.cloud.faults.next("before:503", method="POST", path="*/charge")
    shop.cloud.faults.next("before:404", method="GET", path="*/charges")
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    shop.cloud.store.state.vouchers[voucher.id].deleted = True
    sweep(shop, hours=20)
    assert (the("charge").state, the("charge").is_unverified) == ("due", True)
    sweep(shop, hours=30)
    assert (the("charge").state, the("charge").error_code) == ("manual", "forbidden")


def sweep(shop, *, hours):
    """Run the sweep twice in this time: none waits for longer than an hour."""
    for _ in range(2):
        shop.later(minutes=30 * hours)
        gateway.settle()
