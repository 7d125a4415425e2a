"""Orders whose status was changed unnoticed after their reservation had ended, and sweeps that find nothing to do."""

from decimal import Decimal as D

import pytest

from tests.gateway.test_status_sweep import ON_STATUS, unnoticed
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-5000-ABCD"


@pytest.fixture
def order(shop, gateway_settings):
    """A new order of 50.00, held with a voucher of 50.00."""
    gateway_settings(ON_STATUS=ON_STATUS)
    order = shop.order("50.00")
    gateway.authorize(order, shop.voucher("50.00", code=CODE).code)
    return order


def test_a_bulk_confirmation_after_the_reservation_has_ended_is_made_up_for(shop, order):
    shop.later(minutes=40)
    gateway.settle()
    unnoticed("confirmed")
    gateway.settle()
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.amount_agreed) == ("authorized", D("50.00"))
    assert payment.confirmed_at
    for _ in range(5):
        shop.later(hours=6)
        gateway.settle()
    unnoticed("shipped")
    gateway.settle()
    assert shop.bookings(shop.vouchers[0]) == [("charge", D("50.00"))]


def test_a_voucher_that_a_confirmed_order_does_not_need_is_not_looked_at_by_each_sweep(shop, order):
    order.status = "confirmed"
    order.save()
    gateway.select(order, "GIFT-3000-WXYZ")
    assert [gateway.settle().by_status for _ in range(3)] == [0, 0, 0]
