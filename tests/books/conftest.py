"""A shop that sells vouchers of each kind of VAT, and the commands of the books."""

import io

import pytest
from django.core.management import CommandError, call_command

from tests.books.month import KINDS
from tests.shop import sold


@pytest.fixture
def seller(shop, gateway_settings, monkeypatch):
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
