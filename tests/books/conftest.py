"""A shop that sells vouchers of each kind of VAT, and the commands of the books."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.admin.conftest import desk  # noqa: F401  a fixture
from tests.books.month import KINDS
from tests.books.old_orders import BEFORE, YEAR, age, spend
from tests.shop import sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherSale


@pytest.fixture
def seller(shop, gateway_settings, monkeypatch, midday):
    monkeypatch.setattr(sold, "DETAILS", KINDS)
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers", VOUCHER_DELIVERY="page")
    return shop


@pytest.fixture
def run():
    """Run a command; return what it printed, what it told on the error stream, and its exit code."""

    def call(name, *arguments):
        printed, told = io.StringIO(), io.StringIO()
        try:
            call_command(name, *map(str, arguments), stdout=printed, stderr=told)
        except CommandError as error:
            return printed.getvalue(), told.getvalue() + str(error), error.returncode
        return printed.getvalue(), told.getvalue(), 0

    return call


@pytest.fixture
def old(seller):
    """Orders of a year ago: one that sold a voucher, expired since, and three that were paid with another one."""
    gateway.activate(seller.order("50.00", number="S-1", note="multi=50.00"))
    seller.voucher("100.00")
    orders = [spend(seller, "GIFT-2000-ABCD", "20.00", f"A-{number}") for number in (1, 2, 3)]
    gateway.refund(orders[0], "5.00")
    age()
    VoucherSale.objects.update(valid_until=timezone.now() - YEAR / 2 - BEFORE)
    return orders
