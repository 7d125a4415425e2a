"""The page of gift vouchers in the customer's account: only their own, with the balance, and never a code."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.hosts.oscar.gift_vouchers import gift_voucher, pay, vouchers_of
from voucher_payment_gateway import gateway

PAGE = "/gift-vouchers/account/"


def customer(name="ada"):
    return get_user_model().objects.create_user(name, f"{name}@example.org", "x")


@pytest.fixture
def bought(oscar_shop):
    """Ada's order of a gift voucher of 25.00, paid, and one of goods that another voucher has paid."""
    ada = oscar_shop.visitor(user=customer())
    ada.buy(gift_voucher("25.00")).to_preview().place()
    pay(oscar_shop.orders.latest("pk"))
    ada.buy(oscar_shop.product("30.00")).to_preview().place()
    order = oscar_shop.orders.latest("pk")
    oscar_shop.cloud.add_voucher(code="GIFT-5000-WXYZ", amount="50.00")
    gateway.authorize(order, "GIFT-5000-WXYZ")
    gateway.authorize_selected(order)
    gateway.capture(order)
    return ada


def links(page):
    return [part.split('"')[0] for part in page.split(f'href="{PAGE}')[1:] if part[0] != '"']


def test_it_shows_what_was_bought_and_what_was_used(oscar_shop, bought):
    page = bought.client.get(PAGE).content.decode()

    sold = vouchers_of(oscar_shop)[0]
    assert f"Gift voucher …{sold.code[-4:]}" in page
    assert "€25.00" in page
    assert "Gift voucher …WXYZ" in page
    assert "€20.00" in page
    assert len(links(page)) == 2


def test_no_code_is_shown(oscar_shop, bought):
    page = bought.client.get(PAGE).content.decode()
    pages = [page, *(bought.client.get(PAGE + link).content.decode() for link in links(page))]

    assert len(pages) == 3
    for voucher in vouchers_of(oscar_shop):
        assert not any(voucher.code in each or voucher.id in each for each in pages)


def test_the_history_of_one(bought):
    page = bought.client.get(PAGE).content.decode()
    used = next(link for link in links(page) if link.startswith("p"))

    history = bought.client.get(PAGE + used).content.decode()

    assert "Paid with it" in history
    assert "−€30.00" in history


def test_another_customer_sees_none_of_them(oscar_shop, bought):
    bob = oscar_shop.visitor(user=customer("bob"))
    page = bought.client.get(PAGE).content.decode()

    assert (
        "No gift voucher was bought or used with your account yet." in bob.client.get(PAGE).content.decode()
    )
    assert [bob.client.get(PAGE + link).status_code for link in links(page)] == [404, 404]


def test_the_order_of_a_guest_with_the_same_address_is_not_shown(oscar_shop):
    guest = oscar_shop.visitor(email="ada@example.org")
    guest.buy(gift_voucher("25.00")).to_preview().place()
    pay(oscar_shop.orders.get())

    ada = oscar_shop.visitor(user=customer())

    assert links(ada.client.get(PAGE).content.decode()) == []


def test_a_guest_is_asked_to_log_in(oscar_shop):
    assert Client().get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"
    assert Client().get(f"{PAGE}s1/")["Location"] == f"/accounts/login/?next={PAGE}s1/"


def test_it_is_in_the_navigation_of_the_account(bought):
    orders = bought.client.get("/accounts/orders/").content.decode()
    own = bought.client.get(PAGE).content.decode()

    assert f'<a href="{PAGE}" class="nav-link">Gift vouchers</a>' in orders
    assert f'<a href="{PAGE}" class="nav-link active">Gift vouchers</a>' in own
    assert 'class="nav-link">Order History</a>' in own


def test_the_page_is_private(bought):
    response = bought.client.get(PAGE)

    assert "no-store" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex"


def test_a_balance_that_cannot_be_read_is_not_shown_and_the_page_goes_on(bought, gateway_settings):
    gateway_settings(BASE_URL="http://127.0.0.1:9", TOKEN_URL="")

    page = bought.client.get(PAGE).content.decode()

    assert "Its balance cannot be shown just now." in page
