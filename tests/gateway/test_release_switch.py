"""``CANCEL_RESERVATION_CALL``: where it is false, no caller asks the Voucher Cloud to end a reservation."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.locked_order import locked
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError, VoucherGatewayError
from voucher_payment_gateway.gateway.verbs.check_balance import check_balance
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def shop(shop, gateway_settings):
    gateway_settings(CANCEL_RESERVATION_CALL=False)
    shop.cloud.behaviour = shop.cloud.behaviour.but(cancel_reservation="works")
    return shop


def releases(shop):
    return [path for method, path in shop.calls() if method == "DELETE"]


def refused_as_taxable(shop, change):
    change(CANCEL_RESERVATION_CALL=False, TAXABLE_VOUCHERS="refuse")
    shop.cloud.store.voucher(shop.voucher("20.00").id).taxable = True
    with pytest.raises(VoucherGatewayError):
        gateway.authorize(shop.order("20.00"), CODE)


def not_needed_at_the_confirmation(shop, change):
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    order.total = D("0.00")
    order.save()
    gateway.authorize_selected(order)
    assert VoucherPayment.objects.get().status != "authorized"


def less_than_agreed(shop, change):
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)
    shop.cloud.charge(shop.cloud.reserve(voucher.code, "5.00"), "T-1")
    shop.later(minutes=40)
    with pytest.raises(VoucherGatewayError):
        gateway.authorize_selected(order)


def not_recorded(shop, change):
    shop.voucher("20.00")
    order = shop.order("20.00")
    with locked(), pytest.raises(UnavailableError):
        gateway.authorize(order, CODE)


def look_up(shop, change):
    check_balance(shop.voucher("20.00").code)


def cancelled(shop, change):
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.cancel(order)


def switched_off_meanwhile(shop, change):
    """It was written while the call was allowed, and is carried out afterwards."""
    change(CANCEL_RESERVATION_CALL=True)
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    with transaction.atomic():
        gateway.cancel(order)
        change(CANCEL_RESERVATION_CALL=False)
    assert VoucherOperation.objects.get(kind="cancel").state == "succeeded"


def lost_charge(shop, change):
    """A fence is not established by a call that the shop has switched off, whatever it knows of it."""
    change(CANCEL_RESERVATION_CALL=False, API_BEHAVIOUR={"cancel_reservation": "works"})
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("before:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    gateway.cancel(order)
    for minutes in (1, 2, 36, 2):
        shop.later(minutes=minutes)
        gateway.settle()
    assert VoucherPayment.objects.get().status == "cancelled"


CALLERS = (
    *(refused_as_taxable, not_needed_at_the_confirmation, less_than_agreed, not_recorded),
    *(look_up, cancelled, switched_off_meanwhile, lost_charge),
)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.__name__)
def test_no_caller_ends_a_reservation_where_that_is_switched_off(shop, gateway_settings, caller):
    caller(shop, gateway_settings)
    assert releases(shop) == []
