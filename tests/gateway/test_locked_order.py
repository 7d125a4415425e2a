"""A clerk's session has the order locked: the customer is asked to try again, and nothing is held meanwhile."""

from decimal import Decimal as D

import pytest
from django.db import OperationalError, connection, transaction

from tests.locked_order import LIMITS, locked
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


def sent(shop):
    return [method for method, _ in shop.calls()]


@pytest.mark.parametrize("limit", LIMITS)
def test_authorize_holds_nothing_that_it_could_not_record(shop, voucher, limit):
    order = shop.order("20.00")
    with locked(limit), pytest.raises(UnavailableError, match="locked by another session") as caught:
        gateway.authorize(order, CODE)
    assert caught.value.code == "database_locked"
    assert sent(shop) == ["POST", "DELETE"]
    assert not VoucherPayment.objects.exists()
    assert gateway.authorize(order, CODE).amount_authorized == D("20.00")


@pytest.mark.parametrize(("balance", "others"), [("20.00", "0.00"), ("80.00", "50.00")])
def test_a_code_in_another_spelling_holds_nothing_that_it_could_not_record(shop, balance, others):
    """It is reserved again for the payment that is there, and once more where a confirmed order counts on it."""
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False, cancel_reservation="works")
    voucher = shop.voucher(balance, code=CODE)
    if D(others):
        confirmed = shop.order(others, "A-1002")
        gateway.authorize(confirmed, CODE)
        gateway.authorize_selected(confirmed)
    order = shop.order("50.00", "A-1003")
    gateway.authorize(order, CODE.lower())
    with locked(), pytest.raises(UnavailableError):
        gateway.authorize(order, CODE)
    assert shop.cloud.voucher(voucher.id).held == 0


@pytest.mark.parametrize("limit", LIMITS)
def test_authorize_selected_holds_nothing_that_it_could_not_record(shop, limit):
    order = shop.order("50.00")
    for code in (CODE, "GIFT-2000-WXYZ"):
        shop.voucher("20.00", code=code)
        gateway.select(order, code)
    with locked(limit), pytest.raises(UnavailableError) as caught:
        gateway.authorize_selected(order)
    assert caught.value.code == "database_locked"
    assert sent(shop).count("DELETE") == 2
    assert set(VoucherPayment.objects.values_list("status", flat=True)) == {"selected"}
    gateway.authorize_selected(order)
    assert order.voucher_authorized == D("40.00")


def test_the_callers_transaction_keeps_its_error_and_nothing_is_held(shop, voucher):
    order = shop.order("20.00")
    with locked(), pytest.raises(OperationalError), transaction.atomic():
        gateway.authorize(order, CODE)
    assert sent(shop) == ["POST", "DELETE"]
    assert not VoucherPayment.objects.exists()


if connection.vendor != "sqlite":  # which has one lock for all rows

    def test_a_hold_that_was_replaced_and_released_is_not_shown_as_good(shop, order):
        order.total = D("15.00")
        with locked(), pytest.raises(UnavailableError):
            gateway.authorize(order, CODE)
        assert not gateway.cover(order).is_firm
        shop.calls()
        order.total = D("20.00")
        gateway.authorize(order, CODE)
        assert sent(shop) == ["POST"]

    def test_a_charge_that_must_reserve_again_is_sent_once_the_order_is_free(shop, order, voucher, during):
        shop.later(minutes=40)
        gateway.settle()
        lock = locked()
        during("reserve", lock.__enter__)
        with pytest.raises(UnavailableError) as caught:
            gateway.capture(order)
        lock.__exit__(None, None, None)
        assert caught.value.code == "database_locked"
        shop.later(minutes=2)
        assert gateway.settle().sent == 1
        assert shop.bookings(voucher) == [("charge", D("20.00"))]
        assert VoucherOperation.objects.get(kind="charge").state == "succeeded"
