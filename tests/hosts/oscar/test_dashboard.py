"""The clerk's panel and actions in Oscar's dashboard: by permission, and money moves once."""

from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connections
from django.test import Client
from django.urls import reverse
from oscar.core.loading import get_model

from tests.hosts.oscar.gift_vouchers import gift_voucher, pay, sales
from voucher_payment_gateway import gateway

BACKEND = "django.contrib.auth.backends.ModelBackend"
CODE = "GIFT-5000-ABCD"


def person(*permissions, **fields):
    """Return the browser of a person with these permissions of the gateway."""
    fields = {"is_staff": True, **fields}
    user = get_user_model().objects.create_user(f"mia{len(permissions)}", "mia@example.org", "x", **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user, backend=BACKEND)
    client.user = user
    return client


def clerk():
    return person(is_superuser=True)


@pytest.fixture
def charged(oscar_shop):
    """An order of 30.00 that a gift voucher of 50.00 has paid."""
    oscar_shop.visitor().buy(oscar_shop.product("30.00")).to_preview().place()
    order = oscar_shop.orders.get()
    voucher = oscar_shop.cloud.add_voucher(code=CODE, amount="50.00")
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)
    gateway.capture(order)
    order.cloud, order.voucher = oscar_shop.cloud, voucher
    return order


def order_page(client, order):
    response = client.get(f"/dashboard/orders/{order.number}/")
    assert response.status_code == 200
    return response.content.decode()


def address(slug, order):
    return f"{reverse(f'oscar_gift_vouchers:{slug}')}?number={order.number}"


def fields_of(response, **given):
    """Return what the form of an action's page sends, with what the clerk has entered."""
    form = response.context["form"]
    return {name: form[name].value() for name in form.fields} | {"reason": "teapot broken"} | given


def booked(order):
    return [(row.type, row.amount) for row in order.cloud.bookings(order.voucher.id)]


def test_the_page_of_an_order_has_a_tab_with_the_story(charged):
    page = order_page(clerk(), charged)

    assert '<a class="nav-link" href="#gift-vouchers" data-toggle="tab">Gift vouchers</a>' in page
    assert "Gift voucher …ABCD pays" in page
    assert "€30.00 was charged to gift voucher …ABCD" in page
    assert "Refund to the gift vouchers" in page
    assert CODE not in page


def test_an_order_without_gift_vouchers_says_so(oscar_shop):
    oscar_shop.visitor().buy(oscar_shop.product("30.00")).to_preview().place()

    page = order_page(clerk(), oscar_shop.orders.get())

    assert "No gift voucher was used or sold." in page
    assert "Refund to the gift vouchers" not in page


def test_staff_without_the_permission_see_no_tab(charged):
    page = order_page(person("view_order"), charged)

    assert "gift-vouchers" not in page
    assert "ABCD" not in page


def test_staff_who_may_only_look_have_no_buttons(charged):
    client = person("view_order", "view_voucherpayment")

    page = order_page(client, charged)

    assert "Gift voucher …ABCD pays" in page
    assert "Refund to the gift vouchers" not in page
    assert client.get(address("refund", charged)).status_code == 403
    assert client.post(address("refund", charged), {"amount": "5.00"}).status_code == 403


def test_a_refund_is_stated_first_and_goes_back_once(charged):
    client = clerk()
    page = client.get(address("refund", charged))
    assert "Of what was charged, €30.00 may be refunded." in page.content.decode()
    form = fields_of(page, amount="12.50")

    first = client.post(address("refund", charged), form)
    second = client.post(address("refund", charged), form)

    assert first.status_code == second.status_code == 302
    assert first["Location"] == f"/dashboard/orders/{charged.number}/#gift-vouchers"
    assert booked(charged) == [("charge", Decimal("30.00")), ("refund", Decimal("12.50"))]
    told = order_page(client, charged)
    assert told.count("€12.50 was refunded.") >= 1
    assert "teapot broken" in told
    assert "by mia0" in told


def test_two_pages_are_two_refunds_only_after_the_second_was_read_again(charged):
    client = clerk()
    first, second = (fields_of(client.get(address("refund", charged)), amount="5.00") for _ in range(2))

    client.post(address("refund", charged), first)
    answer = client.post(address("refund", charged), second)

    assert answer.status_code == 409
    assert "It has changed meanwhile." in answer.content.decode()
    assert booked(charged)[1:] == [("refund", Decimal("5.00"))]


def test_a_charge_in_the_dashboard(oscar_shop):
    oscar_shop.visitor().buy(oscar_shop.product("30.00")).to_preview().place()
    order = oscar_shop.orders.get()
    order.cloud, order.voucher = oscar_shop.cloud, oscar_shop.cloud.add_voucher(code=CODE, amount="50.00")
    gateway.authorize(order, CODE)
    client = clerk()
    form = fields_of(client.get(address("capture", order)))

    client.post(address("capture", order), form)
    client.post(address("capture", order), form)

    assert booked(order) == [("charge", Decimal("30.00"))]


def test_a_sold_gift_voucher_is_taken_back_in_the_dashboard(oscar_shop):
    oscar_shop.visitor().buy(gift_voucher("25.00")).to_preview().place()
    order = oscar_shop.orders.get()
    pay(order)
    (sale,) = sales(order)
    client = clerk()
    page = reverse("oscar_gift_vouchers:take-back", args=[sale.pk])
    assert page in order_page(client, order)

    client.post(page, fields_of(client.get(page)))

    assert [sale.status for sale in sales(order)] == ["taken_back"]
    assert page not in order_page(client, order)


def test_a_partner_acts_on_orders_of_its_own_alone(charged):
    client = person("dashboard_access", "view_voucherpayment", "refund_voucherpayment", is_staff=False)
    assert client.get(f"/dashboard/orders/{charged.number}/").status_code == 404
    assert client.get(address("refund", charged)).status_code == 404
    assert client.post(address("refund", charged), {"amount": "5.00"}).status_code == 404

    get_model("partner", "Partner").objects.get().users.add(client.user)

    assert client.get(address("refund", charged)).status_code == 200
    assert "Refund to the gift vouchers" in order_page(client, charged)


def test_whoever_is_not_staff_does_not_get_in(charged):
    assert person(is_staff=False).get(address("refund", charged)).status_code == 403
    assert Client().get(address("refund", charged))["Location"].startswith("/dashboard/login/?next=")


def test_an_order_that_the_shop_does_not_have_is_not_found(oscar_shop):
    assert clerk().get(f"{reverse('oscar_gift_vouchers:refund')}?number=404").status_code == 404


def test_money_moves_outside_of_the_transaction_of_the_request(charged, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    client = clerk()
    form = fields_of(client.get(address("refund", charged)), amount="5.00")

    client.post(address("refund", charged), form)

    assert booked(charged)[1:] == [("refund", Decimal("5.00"))]
