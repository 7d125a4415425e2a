"""A confirmed order can be saved, whatever has become of its vouchers since."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.gateway.test_status_sweep import ON_STATUS
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import RefusedError
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-5000-ABCD"


@pytest.fixture
def order(shop, gateway_settings):
    """An order of 50.00 that was confirmed by its status hours ago."""
    gateway_settings(ON_STATUS=ON_STATUS)
    shop.voucher("50.00", code=CODE)
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    order.status = "confirmed"
    order.save()
    shop.later(hours=5)
    gateway.settle()
    return order


def spend_at_a_till():
    till = voucher_cloud()
    till.charge(till.reserve(code=CODE, amount=D("50.00"), currency="EUR").id, "TILL-1")


def test_a_clerk_can_save_an_order_whose_voucher_was_spent_elsewhere(order, record_signal, caplog):
    failed = record_signal("payment_failed")
    spend_at_a_till()
    with transaction.atomic():  # as in Django's admin
        order.note = "call the customer"
        order.save()
    order.refresh_from_db()
    assert order.note == "call the customer"
    assert (failed, order.voucher_due) == ([("A-1001", D("50.00"))], D("50.00"))
    assert "authorize by status was not possible" in caplog.text


def test_a_clerk_can_save_an_order_while_the_voucher_cloud_is_down(shop, order):
    shop.cloud.faults.next("before:503", method="POST", path="*/reservations", times=9)
    with transaction.atomic():
        order.save()
    assert VoucherPayment.objects.get().confirmed_at


def test_a_voucher_that_is_refused_at_its_own_confirmation_still_stops_the_checkout(order):
    gateway.cancel(order)
    gateway.select(order, "GIFT-UNKNOWN")
    with pytest.raises(RefusedError):
        order.save()
