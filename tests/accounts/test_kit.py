"""The test kit for a shop with several merchants: no test of it reaches a real account."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.orders import OrderFacts
from voucher_payment_gateway.testing import local_voucher_cloud

LIVE = {
    "ENVIRONMENT": "production",
    "ORDER_MODEL": "shop.Order",
    "TOKEN_URL": "https://vouchers.example/token",
    "ACCOUNTS": {
        "north": {"CLIENT_ID": "north", "CLIENT_SECRET": "real"},
        "south": {"CLIENT_ID": "south", "CLIENT_SECRET": "real", "BASE_URL": "https://vouchers.example/v1"},
    },
    "ACCOUNT_OF_ORDER": "tests.accounts.shop.merchant_of",
}


@pytest.fixture
def live(settings, transactional_db):
    """A shop with the settings that it has in production."""
    settings.VOUCHER_PAYMENT_GATEWAY = LIVE


def facts(account):
    return OrderFacts(f"A-{account}", D("60.00"), "EUR", account=account)


def addresses():
    settings = gateway_settings()
    of_accounts = [settings.of_account(name) for name in settings.account_names]
    return {url for each in of_accounts for url in (each.base_url, each.TOKEN_URL) if url}


def test_every_account_is_connected_to_one_cloud(live):
    with local_voucher_cloud() as cloud:
        assert addresses() == {cloud.base_url}
        assert gateway_settings().account_names == ["north", "south"]
        for name in ("north", "south"):
            voucher = cloud.add_voucher(amount="20.00")
            assert gateway.authorize(facts(name), voucher.code).account == name


def test_each_account_can_have_a_cloud_of_its_own(live):
    with local_voucher_cloud(account="north") as north, local_voucher_cloud(account="south") as south:
        assert addresses() == {north.base_url, south.base_url}
        north.add_voucher(code="GIFT-20", amount="20.00")
        south.add_voucher(code="GIFT-20", amount="50.00")
        held = [gateway.authorize(facts(name), "GIFT-20").amount_authorized for name in ("north", "south")]
        assert held == [D("20.00"), D("50.00")]


def test_an_account_without_a_cloud_is_cut_off(live):
    with local_voucher_cloud(account="north") as north:
        assert all(url.startswith("http://127.0.0.1:") for url in addresses())
        with pytest.raises(UnavailableError):
            gateway.authorize(facts("south"), "GIFT-20")
        assert north.requests == []


def test_a_default_account_is_cut_off_too(live, settings):
    settings.VOUCHER_PAYMENT_GATEWAY = {**LIVE, "CLIENT_ID": "shop", "CLIENT_SECRET": "real"}
    with local_voucher_cloud(account="north"):
        assert all(url.startswith("http://127.0.0.1:") for url in addresses())
    with local_voucher_cloud() as cloud:
        assert addresses() == {cloud.base_url}
        assert gateway_settings().account_names == ["", "north", "south"]


def test_a_name_that_the_shop_does_not_have_is_told(live):
    with pytest.raises(ValueError, match="'west'"), local_voucher_cloud(account="west"):
        pass
