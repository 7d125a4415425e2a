"""Forbidden calls (403): a missing right that an operator may grant, or a refusal. No operation stays open for ever."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import CredentialsError, OutcomeUnknownError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"
BY = {"actor": "mia", "reason": "the group lost its right"}
RESERVE, CHARGE, REFUND = "/v1/reservations", "*/charge", "*/refund"


@pytest.fixture
def forbid(shop):
    """Answer a call with 403 from now on."""

    def forbid(path):
        shop.cloud.faults.next("before:403", method="POST", path=path, times=999)

    return forbid


def the(kind):
    return VoucherOperation.objects.filter(kind=kind).latest("pk")


def sweep(shop, *, hours, every=1):
    for _ in range(0, hours, every):
        shop.later(minutes=61 * every)
        gateway.settle()


def test_a_charge_that_is_forbidden_for_a_day_is_given_to_a_person(shop, order, voucher, forbid, reviews):
    forbid(CHARGE)
    with pytest.raises(CredentialsError) as caught:
        gateway.capture(order)
    assert caught.value.missing_scope == "use"
    sweep(shop, hours=22, every=11)
    assert (the("charge").state, reviews) == ("due", [D("20.00")])
    sweep(shop, hours=2)
    assert (the("charge").state, the("charge").error_code) == ("manual", "forbidden")
    assert reviews == [D("20.00")] * 2
    assert shop.bookings(voucher) == []


def test_a_right_that_is_granted_within_the_day_lets_the_charge_through(shop, order, voucher, forbid):
    forbid(CHARGE)
    with pytest.raises(CredentialsError):
        gateway.capture(order)
    sweep(shop, hours=5)
    shop.cloud.faults.clear()
    sweep(shop, hours=1)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_after_the_persons_decision_it_can_be_captured_again(shop, order, voucher, forbid):
    forbid(CHARGE)
    with pytest.raises(CredentialsError):
        gateway.capture(order)
    sweep(shop, hours=24, every=6)
    shop.cloud.faults.clear()
    gateway.conclude(the("charge"), **BY)
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_refund_that_is_forbidden_for_a_day_is_given_to_a_person(shop, order, voucher, forbid):
    gateway.capture(order)
    forbid(REFUND)
    with pytest.raises(CredentialsError):
        gateway.refund(order)
    sweep(shop, hours=24, every=6)
    assert (the("refund").state, the("refund").error_code) == ("manual", "forbidden")
    assert VoucherPayment.objects.get().status == "captured"


def test_a_reservation_that_is_forbidden_is_no_fence_and_the_charge_waits_for_the_old_hold_to_die(
    shop, order, voucher, forbid
):
    """A till has charged the balance, and the cloud refuses with a 403."""
    shop.cloud.faults.next("before:drop", method="POST", path=CHARGE)
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    forbid(RESERVE)
    shop.later(minutes=1)
    gateway.settle()
    charge = the("charge")
    assert (charge.state, charge.fence_at) == ("unknown", charge.target_dead_at)
    sweep(shop, hours=26, every=2)
    assert (the("charge").state, the("charge").error_code) == ("manual", "forbidden")
    assert shop.bookings(voucher) == []


def test_a_repeated_charge_that_is_forbidden_is_read_again_before_it_is_sent_again(shop, order, voucher):
    """The first charge is booked late, after the list lag; the cloud forbids the retry, since it knows its number."""
    shop.cloud.faults.next("before:drop", method="POST", path=CHARGE)
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    shop.cloud.faults.next("before:403", method="POST", path=CHARGE)
    for minutes in (1, 2):
        shop.later(minutes=minutes)
        gateway.settle()
    assert (the("charge").state, the("charge").attempts) == ("unknown", 2)
    for _ in range(3):
        shop.later(minutes=3)
        gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert the("charge").state == "succeeded"
