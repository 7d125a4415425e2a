"""The checks look at each account, not at the shop's own keys alone."""

import pytest

from voucher_payment_gateway import checks

NORTH = {"CLIENT_ID": "north", "CLIENT_SECRET": "secret"}


def account_of(order):
    return "north"


def two_arguments(order, more):
    return "north"


async def coroutine(order):
    return "north"


class Merchant:
    def __init__(self, order):
        pass


def with_argument(argument):
    return "secret"


def found(gateway_settings, account=None, account_of_order="account_of"):
    gateway_settings(
        ENVIRONMENT="production",
        BASE_URL="",
        ACCOUNTS={"north": {**NORTH, **(account or {})}},
        ACCOUNT_OF_ORDER=f"{__name__}.{account_of_order}",
    )
    reported = [*checks.check_settings(), *checks.check_deployment()]
    return {message.id.partition(".")[2]: message.msg for message in reported}


def test_an_account_that_is_right_is_not_told(gateway_settings):
    assert not {"E050", "E004", "W036", "W019", "E028"} & set(found(gateway_settings))


@pytest.mark.parametrize("name", ["two_arguments", "coroutine", "Merchant", "no_such"])
def test_an_account_of_order_that_cannot_be_asked_is_told(gateway_settings, name):
    assert f"tests.accounts.test_checks.{name}" in found(gateway_settings, account_of_order=name)["E050"]


def test_the_address_of_an_account_without_a_version_is_told(gateway_settings):
    assert "W036" in found(gateway_settings, {"BASE_URL": "https://api.example.com"})


def test_an_account_at_the_local_voucher_cloud_is_told(gateway_settings, settings):
    settings.DEBUG = False
    assert {"W019", "E028"} <= set(found(gateway_settings, {"ENVIRONMENT": "local"}))


def test_the_secret_of_an_account_that_cannot_be_asked_is_told(gateway_settings):
    assert "E004" in found(gateway_settings, {"CLIENT_SECRET": with_argument})
