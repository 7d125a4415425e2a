"""One form of Django's admin changes the lines of an order and its status: the order is saved before its lines."""

from decimal import Decimal as D

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from tests.shop.models import Order, OrderLine
from voucher_payment_gateway import gateway

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def voucher(shop):
    return shop.voucher("60.00", code=CODE)


@pytest.fixture
def order(shop, voucher, gateway_settings):
    """An order of two lines, 30.00 and 20.00."""
    gateway_settings(ON_STATUS={"field": "status", "authorize": ["confirmed"], "capture": ["shipped"]})
    order = shop.order("50.00")
    for amount in ("30.00", "20.00"):
        OrderLine.objects.create(order=order, amount=D(amount))
    return order


@pytest.fixture
def save_form(client, order):
    """Save the form of the order as a clerk does, with a new status and changes of its lines."""
    client.force_login(User.objects.create_superuser("clerk"))

    def save(status, *, delete=(), add=()):
        lines = list(order.lines.order_by("pk"))
        form = {"number": order.number, "currency": order.currency, "status": status}
        for position, line in enumerate(lines):
            form |= {f"lines-{position}-id": line.pk, f"lines-{position}-amount": line.amount}
            if line.amount in map(D, delete):
                form[f"lines-{position}-DELETE"] = "on"
        for position, amount in enumerate(add, len(lines)):
            form[f"lines-{position}-amount"] = amount
        form |= {"lines-TOTAL_FORMS": len(lines) + len(add), "lines-INITIAL_FORMS": len(lines)}
        answer = client.post(reverse("admin:shop_order_change", args=[order.pk]), form)
        assert answer.status_code == 302, answer.context["errors"]
        order.refresh_from_db()

    return save


def test_a_line_is_deleted_and_the_order_shipped(shop, order, voucher, save_form):
    gateway.authorize(order, CODE)
    save_form("shipped", delete=["20.00"])
    assert shop.bookings(voucher) == [("charge", D("30.00"))]
    assert (order.total, order.voucher_captured, order.voucher_due) == (D("30.00"), D("30.00"), D("0.00"))


def test_a_line_is_added_and_the_order_confirmed(shop, order, save_form):
    OrderLine.objects.filter(amount=D("20.00")).delete()
    Order.objects.update(total=D("30.00"))
    gateway.select(order, CODE)
    save_form("confirmed", add=["20.00"])
    assert (order.total, order.voucher_authorized, order.voucher_due) == (D("50.00"), D("50.00"), D("0.00"))


def test_every_line_is_deleted_and_the_order_shipped(shop, order, voucher, save_form):
    gateway.authorize(order, CODE)
    save_form("shipped", delete=["30.00", "20.00"])
    assert (order.total, shop.bookings(voucher)) == (D("0.00"), [])


def test_a_line_is_added_and_the_order_shipped(shop, order, voucher, save_form):
    gateway.authorize(order, CODE)
    save_form("shipped", add=["15.00"])
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
    assert (order.total, order.voucher_due) == (D("65.00"), D("15.00"))


def test_only_the_status_is_changed(shop, order, voucher, save_form):
    gateway.authorize(order, CODE)
    shop.calls()
    save_form("shipped")
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
    assert len(shop.calls()) == 1
