"""Each account is checked like the shop's own credentials, and takes from the shop what it does not say itself."""

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from voucher_payment_gateway.conf import GatewaySettings, gateway_settings, problems

SECRET = "canary-secret"
NORTH = {"CLIENT_ID": "north", "CLIENT_SECRET": SECRET}
SOUTH = {"CLIENT_ID": "south", "CLIENT_SECRET": SECRET}
BASE = {
    "ENVIRONMENT": "production",
    "ORDER_MODEL": "shop.Order",
    "ACCOUNT_OF_ORDER": "tests.accounts.shop.merchant_of",
}


@pytest.fixture(autouse=True)
def _in_production(settings):
    settings.DEBUG = False


def told(**changes):
    raw = {**BASE, "ACCOUNTS": {"north": NORTH, "south": SOUTH}, **changes}
    return problems({key: value for key, value in raw.items() if value is not ...})


def account(name="north", **changes):
    given = {**BASE, "CLIENT_TYPE": "till", "ACCOUNTS": {"north": {**NORTH, **changes}}}
    return GatewaySettings.model_validate(given).of_account(name)


def test_credentials_beside_the_accounts_may_be_left_out():
    assert told() == []
    assert told(CLIENT_ID="shop", CLIENT_SECRET=SECRET) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ACCOUNT_OF_ORDER": ...}, "ACCOUNT_OF_ORDER: is missing, although ACCOUNTS is set"),
        ({"ACCOUNTS": {}}, "CLIENT_ID: is missing"),
        ({"CLIENT_ID": "shop"}, "CLIENT_SECRET: is missing"),
        ({"CLIENT_SECRET": SECRET}, "CLIENT_ID: is missing"),
        ({"ACCOUNTS": {"north": {"CLIENT_ID": "north"}}}, "ACCOUNTS.north.CLIENT_SECRET: is missing"),
        (
            {"ACCOUNTS": {"north": {**NORTH, "CLIENT_SECRET": ""}}},
            "ACCOUNTS.north.CLIENT_SECRET: must not be empty",
        ),
        ({"ACCOUNTS": {"north": {**NORTH, "SECRET": SECRET}}}, "ACCOUNTS.north.SECRET: is not a setting"),
        (
            {"ACCOUNTS": {"north": {**NORTH, "ENVIRONMENT": "prod"}}},
            "ACCOUNTS.north.ENVIRONMENT: ",
        ),
        (
            {"ACCOUNTS": {"north": {**NORTH, "BASE_URL": "http://x.example"}}},
            "ACCOUNTS.north.BASE_URL: must start",
        ),
        (
            {"ACCOUNTS": {"north": {**NORTH, "TOKEN_URL": "http://x.example"}}},
            "ACCOUNTS.north.TOKEN_URL: must start",
        ),
        (
            {"ACCOUNTS": {"north": {**NORTH, "BASE_URL": "http://127.0.0.1:8900/v1"}}},
            "ACCOUNTS.north.BASE_URL: must",
        ),
        ({"ACCOUNTS": {"": NORTH}}, "the name of an account has 1 to 50"),
        ({"ACCOUNTS": {"north shop": NORTH}}, "the name of an account has 1 to 50"),
        ({"ACCOUNTS": {"n" * 51: NORTH}}, "the name of an account has 1 to 50"),
        ({"ACCOUNTS": {"north": NORTH, "south": NORTH}}, "'south' has the same client as account 'north'"),
        (
            {"CLIENT_ID": "south", "CLIENT_SECRET": SECRET},
            "'south' has the same client as the default account",
        ),
    ],
)
def test_a_mistake_is_told_by_its_key_and_no_secret(changes, sentence):
    texts = [text for _, text in told(**changes)]
    assert any(sentence in text for text in texts)
    assert SECRET not in str(texts)


def test_without_accounts_nothing_says_whose_an_order_is():
    (found,) = told(ACCOUNTS=..., CLIENT_ID="shop", CLIENT_SECRET=SECRET)
    assert found == ("ACCOUNTS", "ACCOUNTS: is missing, although ACCOUNT_OF_ORDER is set")


def test_the_same_client_id_at_two_hosts_is_two_clients():
    assert told(ACCOUNTS={"north": NORTH, "south": {**NORTH, "ENVIRONMENT": "sandbox"}}) == []


def test_an_account_takes_from_the_shop_what_it_does_not_say():
    shop = {"BASE_URL": "https://proxy.example/v1", "TOKEN_URL": "https://proxy.example/token"}
    given = {**BASE, **shop, "CLIENT_TYPE": "till", "ACCOUNTS": {"north": NORTH}}
    north = GatewaySettings.model_validate(given).of_account("north")
    assert (north.base_url, north.TOKEN_URL) == (shop["BASE_URL"], shop["TOKEN_URL"])
    assert (north.CLIENT_ID, north.CLIENT_SECRET, north.CLIENT_TYPE) == ("north", SECRET, "till")


@pytest.mark.parametrize("own", [{"ENVIRONMENT": "sandbox"}, {"BASE_URL": "https://other.example/v1"}])
def test_an_account_at_another_host_sends_its_secret_to_no_address_of_the_shop(own):
    shop = {"BASE_URL": "https://proxy.example/v1", "TOKEN_URL": "https://proxy.example/token"}
    given = {**BASE, **shop, "ACCOUNTS": {"north": {**NORTH, **own}}}
    north = GatewaySettings.model_validate(given).of_account("north")
    assert "proxy.example" not in north.base_url + north.TOKEN_URL


def test_no_secret_of_an_account_is_shown():
    assert SECRET not in repr(account()) + str(account())


def test_an_unknown_name_has_no_settings():
    for name in ("", "west"):
        with pytest.raises(KeyError):
            account(name)


@pytest.mark.django_db
def test_a_callable_that_cannot_be_imported_is_told_by_the_check(settings):
    given = {"ACCOUNTS": {"north": NORTH}, "ACCOUNT_OF_ORDER": "tests.accounts.shop.nobody"}
    settings.VOUCHER_PAYMENT_GATEWAY = {**BASE, **given}
    assert any("ACCOUNT_OF_ORDER: 'tests.accounts.shop.nobody'" in message.msg for message in run_checks())


def test_at_run_time_a_mistake_is_a_wrong_setting(settings):
    settings.VOUCHER_PAYMENT_GATEWAY = {**BASE, "ACCOUNTS": {"north": {"CLIENT_ID": SECRET}}}
    with pytest.raises(ImproperlyConfigured, match=r"ACCOUNTS\.north\.CLIENT_SECRET") as caught:
        gateway_settings()
    assert SECRET not in str(caught.value)


def test_what_a_file_brings_along_is_no_part_of_a_credential():
    north = account(CLIENT_ID="north\n", CLIENT_SECRET=f" {SECRET}\r\n")
    assert (north.CLIENT_ID, north.CLIENT_SECRET) == ("north", SECRET)
