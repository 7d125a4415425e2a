"""Totals are Money; what the gateway says and takes are decimals with a currency."""

from decimal import Decimal as D

import pytest
from django.template import RequestContext, Template
from django.test import RequestFactory
from djmoney.money import Money

from tests.shops.money.models import Order
from tests.shops.signals import aborted, confirmed, returned, shipped
from voucher_payment_gateway import gateway


@pytest.fixture
def order(shop):
    return Order.objects.create(number="M-1", total=Money("50.00", "CHF"))


@pytest.fixture
def customer(client, order):
    session = client.session
    session["order"] = order.pk
    session.save()
    return client


def test_a_full_order(shop, order, customer):
    voucher = shop.voucher("20.00", code="GIFT-2000", currency="CHF")
    assert customer.post("/vouchers/apply/", {"code": "GIFT-2000"}).status_code == 303
    assert Money(order.voucher_due, order.total.currency) == Money("30.00", "CHF")
    confirmed.send(sender=Order, order=order)
    shipped.send(sender=Order, order=order)
    returned.send(sender=Order, order=order, amount=Money("5.00", "CHF").amount)
    assert order.voucher_captured - order.voucher_refunded == D("15.00")
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("5.00"))]


def test_an_order_that_is_given_up(shop, order, customer):
    voucher = shop.voucher("20.00", code="GIFT-2000", currency="CHF")
    customer.post("/vouchers/apply/", {"code": "GIFT-2000"})
    aborted.send(sender=Order, order=order)
    assert (order.voucher_due, shop.bookings(voucher)) == (D("50.00"), [])


def test_a_total_that_was_just_computed_is_read_too(shop, order):
    shop.voucher("20.00", code="GIFT-2000", currency="CHF")
    order.total = order.total * 2 - Money("70", "CHF")
    assert gateway.authorize(order, "GIFT-2000").amount_authorized == D("20.00")
    assert gateway.cover(order).due == D("10.00")


def test_the_block_and_its_filters_read_it(shop, order):
    request = RequestFactory().get("/")
    text = (
        "{% load voucher_payments %}{% voucher_payments order %}{{ 5|voucher_amount:order.total.currency }}"
    )
    html = Template(text).render(RequestContext(request, {"order": order}))
    assert "CHF\u00a050.00" in html
    assert html.endswith("CHF\u00a05.00")
