"""Orders that sell vouchers, as a shop lives with them: what customers, clerks and months do to them."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core import mail
from django.utils import timezone

from tests.gateway.sales import check, remote, remote_of
from tests.gateway.test_sales import DatedAdapter
from tests.shop import sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.orders import SoldVoucher

RECIPIENT = "ada@example.org"


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


@pytest.fixture
def sells(seller, monkeypatch):
    """Let every order sell what the call says."""

    def change(*vouchers):
        monkeypatch.setattr(sold, "vouchers", lambda order: list(vouchers))

    return change


def line(quantity=1, key="a", amount="50.00", **fields):
    return SoldVoucher(key, D(amount), quantity=quantity, **{"recipient_email": RECIPIENT, **fields})


def worth(shop, number="A-1001"):
    """Return what the order's vouchers at the Voucher Cloud are worth in cents, the deleted ones left out."""
    return sum(each.amount_cents for each in remote_of(shop, number) if not each.deleted)


@pytest.mark.parametrize("verb", [gateway.issue, gateway.activate])
@pytest.mark.parametrize("quantities", [(1, 2), (1, 2, 1, 2), (2, 1, 2), (1, 3), (3, 1, 3)])
def test_a_quantity_that_changes_sells_only_the_difference(seller, sells, verb, quantities):
    order = seller.order("150.00")
    for quantity in quantities:
        sells(line(quantity))
        verb(order)
    gateway.activate(order)
    assert worth(seller) == max(quantities) * 5000
    assert len(mail.outbox) == max(quantities)


def test_a_quantity_that_a_partial_return_lowers_sells_none_again(seller, sells):
    """A clerk takes one of two back and corrects the line; the order is saved, and with it its event comes again."""
    sells(line(2))
    order = seller.order("100.00")
    first, second = gateway.activate(order)
    gateway.take_back(first, actor="clerk")
    sells(line(1))
    gateway.activate(order)
    check_status = [(sale.key, sale.status) for sale in order.voucher_sales]
    assert check_status == [("a-1", "taken_back"), ("a-2", "active")]
    assert (worth(seller), remote(seller, second).status) == (5000, "active")


def test_lines_whose_own_keys_look_like_a_quantity_are_two_lines(seller, sells):
    order = seller.order("80.00")
    sells(line(key="7"), line(key="7-1", amount="30.00"))
    gateway.activate(order)
    gateway.activate(order)
    assert [(sale.key, sale.amount) for sale in order.voucher_sales] == [("7", D(50)), ("7-1", D(30))]


def test_an_order_with_the_number_of_an_earlier_one_takes_none_of_its_vouchers_back(seller, gateway_settings):
    gateway_settings(ORDER_ADAPTER="tests.gateway.test_sales.DatedAdapter")
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.activate(order)
    DatedAdapter.created = timezone.now() + timedelta(days=1)
    try:
        assert gateway.take_back(order) == []
    finally:
        DatedAdapter.created = None
    check(seller, sale, "active")
