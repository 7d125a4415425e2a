"""Orders that are odd: hidden from their managers, with facts that no voucher can pay, or of which nothing is due."""

from decimal import Decimal as D

from tests.shop.models import StoreOrder
from voucher_payment_gateway import gateway

CODE = "GIFT-2000-ABCD"


def test_a_single_payment_of_a_hidden_order_is_charged_by_the_order_s_total(shop, gateway_settings):
    gateway_settings(ORDER_MODEL="shop.StoreOrder")
    shop.voucher("20.00")
    order = StoreOrder.visible.create(number="A-1001", total=D("20.00"))
    payment = gateway.authorize(order, CODE)
    order.total, order.is_deleted = D("15.00"), True
    order.save()
    gateway.capture(payment)
    payment.refresh_from_db()
    assert payment.amount_captured == D("15.00")
