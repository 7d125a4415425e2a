"""The buttons of Oscar's own dashboard move money through the event handler, once for each."""

from decimal import Decimal as D

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.hosts.oscar.records import sources


@pytest.fixture
def clerk(oscar_shop):
    user = get_user_model().objects.create_superuser("clerk", "clerk@example.com", "secret")
    client = Client()
    client.force_login(user, backend="oscar.apps.customer.auth_backends.EmailBackend")
    return client


def press(clerk, order, **form):
    """Press a button on the page of the order, and return what the page says then."""
    response = clerk.post(f"/dashboard/orders/{order.number}/", form, follow=True)
    return [str(message) for message in response.context["messages"]]


def ship(clerk, order):
    line = order.lines.get()
    form = {"reference": "", "selected_line": line.pk, f"selected_line_qty_{line.pk}": line.quantity}
    return press(clerk, order, line_action="create_shipping_event", shipping_event_type="shipped", **form)


def refund(clerk, order, amount):
    action = "create_order_payment_event"
    return press(clerk, order, order_action=action, payment_event_type="refunded", amount=amount)


def test_a_parcel_is_charged(oscar_shop, clerk):
    order, voucher = oscar_shop.ordered("30.00")

    assert ship(clerk, order) == ["Shipping event created"]
    assert "too large" in ship(clerk, order)[0]

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]


def test_a_parcel_that_is_not_paid_does_not_ship(oscar_shop, clerk, later):
    order, voucher = oscar_shop.ordered("30.00")
    later(minutes=50)
    oscar_shop.cloud.set_status(voucher.id, "inactive")

    (said,) = ship(clerk, order)

    assert said.startswith("Unable to create shipping event due to payment error")
    assert not order.shipping_events.exists()


def test_a_second_click_on_refund_gives_back_once(oscar_shop, clerk):
    order, voucher = oscar_shop.ordered("30.00")
    ship(clerk, order)

    assert refund(clerk, order, "8.00") == ["Payment event created"]
    (said,) = refund(clerk, order, "8.00")

    assert "less than 30 seconds ago. Nothing moved" in said
    assert oscar_shop.bookings(voucher) == [("charge", D("30.00")), ("refund", D("8.00"))]
    assert sources(order) == [(30, 30, 8)]


def test_a_cancelled_order_is_let_go(oscar_shop, clerk):
    order, _ = oscar_shop.ordered("30.00")

    (said,) = press(clerk, order, order_action="change_order_status", new_status="Cancelled")

    assert said == "Order status changed from 'Pending' to 'Cancelled'"
    assert sources(order) == [(0, 0, 0)]
