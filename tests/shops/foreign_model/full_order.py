"""The shop saves a status and nothing else; payments belong to the order by its number."""

from decimal import Decimal as D

import pytest

from tests.shops.foreign_model.models import Sale
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import summarise
from voucher_payment_gateway.models import VoucherPayment


@pytest.fixture
def order(shop):
    return Sale.objects.create(branch=7, serial=12, cents=5000)


@pytest.fixture
def customer(client, order):
    session = client.session
    session["sale"] = order.pk
    session.save()
    return client


def move(order, state):
    order.state = state
    order.save()


def test_a_full_order(shop, order, customer):
    voucher = shop.voucher("20.00", code="GIFT-2000")
    assert customer.post("/vouchers/apply/", {"code": "GIFT-2000"}).status_code == 303
    assert summarise(order).due == D("30.00")
    for state, status in (("confirmed", "authorized"), ("sent", "captured"), ("returned", "refunded")):
        move(order, state)
        assert VoucherPayment.objects.get(order_number="7-12").status == status
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]


def test_a_part_that_comes_back_is_given_by_a_verb(shop, order, customer):
    voucher = shop.voucher("20.00", code="GIFT-2000")
    customer.post("/vouchers/apply/", {"code": "GIFT-2000"})
    move(order, "confirmed")
    move(order, "sent")
    gateway.refund(order, D("5.00"))
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("5.00"))]


def test_an_order_that_is_given_up(shop, order, customer):
    voucher = shop.voucher("20.00", code="GIFT-2000")
    customer.post("/vouchers/apply/", {"code": "GIFT-2000"})
    move(order, "void")
    assert VoucherPayment.objects.get().status == "cancelled"
    assert shop.bookings(voucher) == []
