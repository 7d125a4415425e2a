"""A customer with a session pays a part by gift voucher; the shop ships, takes back a part, then all."""

from decimal import Decimal as D

import pytest

from tests.shops.custom_pk.models import Purchase
from tests.shops.signals import aborted, confirmed, returned, shipped


@pytest.fixture
def order(shop):
    return Purchase.objects.create(gross=D("50.00"))


@pytest.fixture
def customer(client, order):
    session = client.session
    session["purchase"] = str(order.pk)
    session.save()
    return client


def test_a_full_order(shop, order, customer):
    voucher = shop.voucher("20.00", code="GIFT-2000")
    assert customer.post("/vouchers/apply/", {"code": "GIFT-2000"}).status_code == 303
    assert order.voucher_due == D("30.00")
    confirmed.send(sender=Purchase, order=order)
    payment = order.voucher_payments.get()
    assert (payment.order_number, payment.amount_agreed) == (order.reference, D("20.00"))
    order.refresh_from_db()
    assert order.voucher_reservation_ids == [payment.reservation_id]
    shipped.send(sender=Purchase, order=order)
    assert order.voucher_captured == D("20.00")
    returned.send(sender=Purchase, order=order, amount=D("5.00"))
    returned.send(sender=Purchase, order=order)
    assert order.voucher_refunded == D("20.00")
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("5.00")), ("refund", D("15.00"))]


def test_an_order_that_is_given_up(shop, order, customer):
    voucher = shop.voucher("20.00", code="GIFT-2000")
    customer.post("/vouchers/apply/", {"code": "GIFT-2000"})
    aborted.send(sender=Purchase, order=order)
    assert order.voucher_due == D("50.00")
    assert shop.bookings(voucher) == []
