"""A charge whose reservation has to be made anew: only who has called it sending does that, and nobody twice."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import InsufficientBalanceError, OperationInProgressError
from voucher_payment_gateway.gateway._capture import CHARGE
from voucher_payment_gateway.gateway._operations import resume
from voucher_payment_gateway.models import VoucherOperation

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def voucher(shop):
    return shop.voucher("20.00")


@pytest.fixture
def order(shop, voucher):
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    return order


def charge():
    return VoucherOperation.objects.filter(kind="charge").latest("pk")


def calls(shop):
    return [path.rsplit("/", 1)[-1] for _, path in shop.calls()]


def another_tab(order):
    """Somebody asks for the same, and a sweep runs."""
    with pytest.raises(OperationInProgressError):
        gateway.capture(order)
    gateway.settle()


@pytest.mark.parametrize("amount", [None, "5.00"])
def test_a_capture_that_reserves_anew_is_alone(shop, order, voucher, during, amount):
    if amount is None:
        shop.later(minutes=40)
    shop.calls()
    during("reserve", lambda: another_tab(order))
    gateway.capture(order, amount)
    assert calls(shop) == ["reservations", "charge"]
    assert shop.bookings(voucher) == [("charge", D(amount or "20.00"))]


class Killed(BaseException):
    """The process ends here."""


def killed():
    raise Killed


def test_a_process_that_dies_while_it_reserves_anew_leaves_the_charge_to_settle(shop, order, voucher, during):
    shop.later(minutes=40)
    during("reserve", killed)
    with pytest.raises(Killed):
        gateway.capture(order)
    assert (charge().state, charge().attempts) == ("sending", 0)
    for _ in range(4):
        shop.later(minutes=2)
        gateway.settle()
    assert (charge().state, charge().attempts) == ("succeeded", 1)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_what_was_refused_is_not_sent_again(shop, order):
    shop.later(minutes=40)
    shop.cloud.faults.next("before:422", method="POST", path="*/reservations")
    with pytest.raises(InsufficientBalanceError):
        gateway.capture(order)
    refused = charge()
    shop.calls()
    resume(CHARGE, refused)
    assert (refused.state, calls(shop)) == ("refused", [])
