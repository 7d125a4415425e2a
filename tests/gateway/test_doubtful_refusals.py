"""A 401 or 403 may be the shop's own credentials: it is no proof that a confirmed payment is impossible."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import AmountError, VoucherGatewayError, VoucherUnusableError
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def order(shop):
    """A confirmed order whose reservation has lapsed."""
    shop.voucher("80.00", code=CODE)
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)
    shop.later(minutes=45)
    gateway.settle()
    return order


def guess(shop):
    """Have it remembered for a minute that the shop has all its rights."""
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(shop.order("9.00", number="A-2"), "GIFT-NIL-0001")


@pytest.mark.parametrize("status", [401, 403])
def test_a_shop_that_loses_its_right_after_a_guess_keeps_its_confirmed_payments(shop, order, status):
    guess(shop)
    shop.cloud.faults.next(f"before:{status}", path="/v1/reservations", times=None)
    with pytest.raises(VoucherGatewayError):
        gateway.authorize_selected(order)
    shop.cloud.faults.clear()
    payment = VoucherPayment.objects.get(order_number=order.number)
    assert payment.sealed_code
    assert payment.status != "failed"
    gateway.capture(order)
    assert [amount for _, amount in shop.bookings(shop.vouchers[0])] == [D("50.00")]


def test_a_late_repetition_in_a_transaction_puts_no_removed_voucher_back(shop):
    shop.voucher("80.00", code=CODE)
    order = shop.order("50.00")
    gateway.cancel(gateway.authorize(order, CODE, key="k1"))
    with transaction.atomic():
        gateway.authorize(order, CODE, key="k1")
        order.total = D("40.00")
        order.save()
    assert [payment.status for payment in VoucherPayment.objects.all()] == ["cancelled"]


def test_a_call_that_was_refused_in_a_transaction_is_not_made_after_it(shop):
    shop.voucher("80.00", code=CODE)
    order = shop.order("50.00")
    with transaction.atomic():
        with pytest.raises(AmountError):
            gateway.authorize(order, CODE, amount="60.00")
        order.total = D("70.00")
        order.save()
    assert not VoucherPayment.objects.exists()
