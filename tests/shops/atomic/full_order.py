"""Every view of the shop runs in a transaction: money moves after the commit, or not at all."""

from decimal import Decimal as D

import pytest

from tests.shops.atomic.models import Order


@pytest.fixture
def order(shop):
    return Order.objects.create(number="A-1", total=D("50.00"))


@pytest.fixture
def voucher(shop):
    return shop.voucher("20.00", code="GIFT-2000")


@pytest.fixture
def customer(client, order, voucher):
    """A customer whose order is confirmed with the voucher."""
    session = client.session
    session["order"] = order.pk
    session.save()
    client.post("/vouchers/apply/", {"code": "GIFT-2000"})
    assert client.get("/confirm/A-1/").status_code == 200
    return client


@pytest.mark.parametrize("view", ["ship", "ship-inside"])
def test_a_full_order(shop, order, voucher, customer, view):
    assert order.voucher_due == D("30.00")
    assert customer.get(f"/{view}/A-1/").content == b"shipped"
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    customer.get("/give-back/A-1/")
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]


def test_what_is_rolled_back_moves_no_money(shop, order, voucher, customer):
    with pytest.raises(RuntimeError):
        customer.get("/ship-inside/A-1/?fail")
    order.refresh_from_db()
    assert (order.status, order.voucher_captured, shop.bookings(voucher)) == ("draft", D("0.00"), [])


def spend(shop):
    """Another till takes the voucher."""
    shop.cloud.charge(shop.cloud.reserve("GIFT-2000", "20.00"), "TILL-1")


def test_a_charge_that_fails_after_the_commit_stops_the_parcel(shop, order, customer):
    spend(shop)
    assert customer.get("/ship-inside/A-1/").content == b"shipped", "the error came too late for the page"
    order.refresh_from_db()
    assert order.status == "on hold"


def test_outside_of_the_transaction_the_clerk_reads_the_error_at_once(shop, order, customer):
    spend(shop)
    answer = customer.get("/ship/A-1/")
    assert answer.status_code == 409
    order.refresh_from_db()
    assert order.status != "shipped"
