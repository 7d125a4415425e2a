"""A numbered check for each mistake in the settings, and no secret in any message."""

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.functions import Lower

from tests.shop.models import StoreOrder
from voucher_payment_gateway.checks import (
    CATALOGUE,
    NUMBERS,
    check_databases,
    check_deployment,
    check_settings,
)
from voucher_payment_gateway.conf import GatewaySettings, gateway_settings
from voucher_payment_gateway.orders import OrderAdapter
from voucher_payment_gateway.settings_sections import Limit

SECRET = "canary-secret"
EVENTS = {
    "authorize": "tests.shop.signals.confirmed",
    "capture": "tests.shop.signals.shipped",
    "refund": "tests.shop.signals.returned",
    "cancel": "tests.shop.signals.aborted",
}
GOOD = {
    "ENVIRONMENT": "local",
    "CLIENT_ID": "shop",
    "CLIENT_SECRET": SECRET,
    "ORDER_MODEL": "shop.Order",
    "CHECKOUT_ORDER": "tests.shop.checkout.current_order",
    "EVENTS": EVENTS,
    "SEALING_KEYS": ["7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk="],
}

MISTAKES = [
    ({"ENVIRONMENT": "prod"}, "E003", "ENVIRONMENT"),
    ({"CLIENT_ID": ""}, "E004", "CLIENT_ID"),
    ({"CLIENT_SECRET": ""}, "E004", "CLIENT_SECRET"),
    ({"CLIENT_SECRET": 5}, "E004", "CLIENT_SECRET"),
    ({"CLIENT_TYPE": "x" * 33}, "E004", "CLIENT_TYPE"),
    ({"BASE_URL": "http://vouchers.example/v1"}, "E005", "BASE_URL"),
    ({"TOKEN_URL": "ftp://vouchers.example"}, "E005", "TOKEN_URL"),
    ({"TIMEOUT_SECONDS": 0}, "E006", "TIMEOUT_SECONDS"),
    ({"TIMEOUT_SECONDS": 30, "DEADLINE_SECONDS": 10}, "E006", "DEADLINE_SECONDS"),
    ({"DEADLINE_SECONDS": float("inf")}, "E006", "DEADLINE_SECONDS"),
    ({"ORDER_MODEL": "order"}, "E007", "ORDER_MODEL"),
    ({"ORDER_MODEL": "shop.Basket"}, "E007", "ORDER_MODEL"),
    ({"ORDER_FIELDS": {"number": "code"}}, "E008", "ORDER_FIELDS.number"),
    ({"ORDER_FIELDS": {"sum": "total"}}, "E008", "ORDER_FIELDS.sum"),
    ({"ORDER_FIELDS": {"number": "voucher_due"}}, "E008", "is no column"),
    ({"ORDER_ADAPTER": "shop.nowhere.Adapter"}, "E009", "ORDER_ADAPTER"),
    ({"ORDER_ADAPTER": "decimal.Decimal"}, "E009", "ORDER_ADAPTER"),
    ({"EVENTS": {"pay": "tests.shop.signals.shipped"}}, "E010", "EVENTS"),
    ({"EVENTS": {**EVENTS, "capture": "tests.shop.signals.nothing"}}, "E010", "EVENTS.capture"),
    ({"EVENTS": {**EVENTS, "capture": "tests.shop.models.Order"}}, "E010", "EVENTS.capture"),
    ({"ON_STATUS": {"capture": ["shipped"]}}, "E011", "ON_STATUS"),
    ({"ON_STATUS": {"field": "status", "capture": "shipped"}}, "E011", "ON_STATUS"),
    ({"ON_STATUS": {"field": "stage", "capture": ["shipped"]}}, "E011", "ON_STATUS"),
    ({"CHECKOUT_ORDER": "tests.shop.checkout.nothing"}, "E012", "CHECKOUT_ORDER"),
    ({"CAPTURE": "later"}, "E013", "CAPTURE"),
    ({"REFUND_ORDER": "random"}, "E013", "REFUND_ORDER"),
    ({"TAXABLE_VOUCHERS": "maybe"}, "E013", "TAXABLE_VOUCHERS"),
    ({"SEALING_KEYS": ["short"]}, "E014", "SEALING_KEYS"),
    ({"SEALING_KEYS": []}, "W015", "SEALING_KEYS"),
    ({"REFUND_GRACE_SECONDS": -1}, "E016", "REFUND_GRACE_SECONDS"),
    ({"LIST_LAG_SECONDS": float("inf")}, "E016", "LIST_LAG_SECONDS"),
    ({"SELECTED_HOURS": 1e300}, "E016", "SELECTED_HOURS"),
    ({"SETTLE_LATE_MINUTES": 0}, "E016", "SETTLE_LATE_MINUTES"),
    ({"CA_FILE": "a\0b"}, "E023", "CA_FILE"),
    ({"REFUND_GRACE_SECONDS": 60}, "W017", "REFUND_GRACE_SECONDS"),
    ({"ERROR_MEANINGS": {"X": "bad"}}, "E018", "ERROR_MEANINGS"),
    ({"API_BEHAVIOUR": {"second_charge": "twice"}}, "E018", "API_BEHAVIOUR"),
    ({"CODE_PATTERN": "("}, "E020", "CODE_PATTERN"),
    ({"CODE_NORMALISER": "nowhere.fold"}, "E020", "CODE_NORMALISER"),
    ({"CODE_NORMALISER": "builtins.len"}, "E020", "gives int"),
    ({"CODE_NORMALISER": "builtins.int"}, "E020", "gives ValueError"),
    ({"CODE_NORMALISER": "tests.test_sealing.forgetful"}, "E020", "gives NoneType"),
    ({"THROTTLE": 5}, "E021", "THROTTLE"),
    ({"THROTTLE": {"ip": "5/10m"}}, "E021", "THROTTLE.ip"),
    ({"THROTTLE": {"session": 5}}, "E021", "THROTTLE.session"),
    ({"THROTTLE": {"session": "5"}}, "E021", "THROTTLE.session"),
    ({"THROTTLE": {"account": "0/1h"}}, "E021", "THROTTLE.account"),
    ({"THROTTLE": {"address": "5/0m"}}, "E021", "THROTTLE.address"),
    ({"THROTTLE": {"everyone": "5/10w"}}, "E021", "THROTTLE.everyone"),
    ({"THROTTLE": {"holds": "-5/10m"}}, "E021", "THROTTLE.holds"),
    ({"THROTTLE": {"trusted_proxies": ["10.0.0.1/8"]}}, "E021", "THROTTLE.trusted_proxies.0"),
    ({"THROTTLE": {"trusted_proxies": "10.0.0.1"}}, "E021", "THROTTLE.trusted_proxies"),
    ({"THROTTLE": {"refusal_seconds": -1}}, "E021", "THROTTLE.refusal_seconds"),
    ({"THROTTLE": {"refusal_seconds": 60}}, "E021", "THROTTLE.refusal_seconds"),
    ({"THROTTLE": {"captcha": "nowhere.solved"}}, "E021", "THROTTLE.captcha"),
    ({"THROTTLE": {"cache": "nowhere"}}, "E021", "THROTTLE.cache"),
    ({"ASYNC_THREADS": 0}, "E072", "ASYNC_THREADS"),
    ({"ASYNC_THREADS": 1001}, "E072", "ASYNC_THREADS"),
    ({"ASYNC_THREADS": "many"}, "E072", "ASYNC_THREADS"),
    *(
        ({key: wrong}, "E073", key)
        for key in ("SLOW_CALLS", "REQUESTS_PER_SECOND")
        for wrong in (0, -1, 10_001, "many", 2.5, True)
    ),
    ({"VOUCHERS_PER_ORDER": 0}, "E025", "VOUCHERS_PER_ORDER"),
    ({"VOUCHERS_PER_ORDER": 101}, "E025", "VOUCHERS_PER_ORDER"),
    ({"VOUCHERS_PER_ORDER": "many"}, "E025", "VOUCHERS_PER_ORDER"),
    ({"SETTLE_THREADS": 0}, "E025", "SETTLE_THREADS"),
    ({"SETTLE_THREADS": 101}, "E025", "SETTLE_THREADS"),
    ({"SETTLE_THREADS": "all"}, "E025", "SETTLE_THREADS"),
    ({"ORDER_MODEL": "shop.StoreOrder"}, "W032", "'number' of shop.StoreOrder is not unique"),
    ({"CURENCY_CODE": "EUR"}, "E002", "CURENCY_CODE"),
    ({"CA_FILE": "nowhere.pem"}, "E023", "CA_FILE"),
    ({"PROXY_URL": "proxy.example:3128"}, "E045", "PROXY_URL"),
    ({"PROXY_URL": "http://shop:canary/x@proxy.example:3128"}, "E045", "PROXY_URL"),
    ({"PROXY_URL": 3128}, "E045", "PROXY_URL"),
    ({"THROTTLE": {"proxy_header": "X-Real-IP"}}, "E021", "THROTTLE.proxy_header"),
    ({"CA_FILE": __file__}, "E023", "CA_FILE"),
]


@pytest.fixture
def given(settings):
    settings.DEBUG = True

    def give(changes):
        settings.VOUCHER_PAYMENT_GATEWAY = {**GOOD, **changes}
        return check_settings()

    return give


def test_good_settings_have_nothing_to_report(given):
    assert given({}) == []


@pytest.mark.parametrize(("changes", "number", "named"), MISTAKES)
def test_each_mistake_has_its_number_names_its_key_and_the_cure(given, changes, number, named):
    (message,) = given(changes)
    assert message.id == f"voucher_payment_gateway.{number}"
    assert named in message.msg
    assert message.hint
    assert SECRET not in message.msg


ADDRESSES = {
    "must hold no user name and no password": [
        f"https://user:{SECRET}@host.example/v1",
        f"https://{SECRET}@host.example/v1",
        f"https://host.example:{SECRET}@host.example/v1",
        f"https://user:{SECRET}@[::1/v1",
        "https://@host.example/v1",
    ],
    "must hold no query and no fragment": [
        f"https://host.example/v1?key={SECRET}",
        f"https://host.example/v1#{SECRET}",
        "https://host.example/v1?",
        "https://host.example/v1#",
    ],
    "has no port that can be": [
        "https://host.example:99999/v1",
        "https://host.example:0/v1",
        "https://host.example:-1/v1",
        "https://host.example:/v1",
        f"https://host.example:{SECRET}/v1",
        "https://[::1]:99999/v1",
    ],
    "has no host name that can be": [
        "https://",
        "https:///v1",
        "https://:443/v1",
        "https://a..b/v1",
        "https://.example/v1",
        "https://host.example./v1",
        f"https://{'a' * 64}.example/v1",
        f"https://{'a.' * 127}example/v1",
        f"https://host.example,{SECRET}/v1",
        "https://host.example\\v1",
        "https://[::1/v1",
        "https://[::g]/v1",
        "https://[127.0.0.1]/v1",
        "https://[fe80::1%eth0]/v1",
    ],
    "must be plain ASCII without spaces": [
        f"https://host.example/{SECRET} v1",
        " https://host.example/v1",
        "https://host.example/v1\n",
        "https://host.example\t/v1",
        "https://b\u00fccher.example/v1",
        "https://host\uff0eexample/v1",
        "https://host.example/v1\x00",
    ],
    "must start with https:// (http:// only for a loopback address, in development)": [
        "host.example/v1",
        "//host.example/v1",
        "https:/host.example/v1",
        "http://host.example/v1",
        "http://127.0.0.2/v1",
        f"http://user:{SECRET}@host.example/v1",
        f"user:{SECRET}@host.example",
        SECRET,
    ],
}


@pytest.mark.parametrize("key", ["BASE_URL", "TOKEN_URL"])
@pytest.mark.parametrize(
    ("sentence", "url"), [(sentence, url) for sentence, urls in ADDRESSES.items() for url in urls]
)
def test_an_address_that_cannot_be_called_is_told_without_any_of_it(given, key, sentence, url):
    (message,) = given({key: url})
    assert message.id == "voucher_payment_gateway.E005"
    assert message.msg.startswith(f"VOUCHER_PAYMENT_GATEWAY: {key}: {sentence}")
    assert SECRET not in message.msg


@pytest.mark.parametrize("key", ["BASE_URL", "TOKEN_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://host.example/v1",
        "HTTPS://Host.Example:8443/v1/",
        "https://xn--bcher-kva.example/v1",
        "https://host_1.example/@team/v1",
        "https://192.0.2.1/v1",
        "https://[2001:db8::1]:443/v1",
        "http://127.0.0.1:8900/v1",
        "http://[::1]:8900/v1",
        "http://localhost/v1",
    ],
)
def test_an_address_that_can_be_called_is_fine(given, key, url):
    assert given({key: url}) == []


@pytest.mark.parametrize("missing", ["ENVIRONMENT", "CLIENT_ID", "CLIENT_SECRET", "ORDER_MODEL"])
def test_a_missing_key_is_named(settings, missing):
    settings.VOUCHER_PAYMENT_GATEWAY = {key: value for key, value in GOOD.items() if key != missing}
    assert [message.msg for message in check_settings()] == [
        f"VOUCHER_PAYMENT_GATEWAY: {missing}: is missing"
    ]


def test_all_mistakes_are_reported_at_once(given):
    numbers = {
        message.id[-4:] for message in given({"ENVIRONMENT": "prod", "CLIENT_ID": "", "COLOUR": "red"})
    }
    assert numbers == {"E002", "E003", "E004"}


@pytest.mark.parametrize("value", [None, "local", ["local"]])
def test_no_settings_at_all(settings, value):
    settings.VOUCHER_PAYMENT_GATEWAY = value
    assert [message.id for message in check_settings()] == ["voucher_payment_gateway.E001"]


def test_the_local_voucher_cloud_without_debug_is_warned_of(given, settings):
    given({})
    settings.DEBUG = False
    assert [message.id for message in check_settings()] == ["voucher_payment_gateway.W019"]


@pytest.mark.parametrize(
    ("backend", "number"),
    [
        ("locmem.LocMemCache", "W030"),
        ("dummy.DummyCache", "W030"),
        ("db.DatabaseCache", "W031"),
        ("filebased.FileBasedCache", "W031"),
        ("redis.RedisCache", None),
    ],
)
def test_a_cache_in_which_attempts_can_get_lost_is_warned_of(
    given, settings, tmp_path, monkeypatch, backend, number
):
    monkeypatch.chdir(tmp_path)  # a cache in files makes its folder
    cache = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "127.0.0.1:1"}
    settings.CACHES = {"default": {"BACKEND": "nowhere.Cache"}, "guesses": cache}
    changes = {"ENVIRONMENT": "production", "INSTANCE": "live", "THROTTLE": {"cache": "guesses"}}
    assert given(changes) == []
    assert [message.id[-4:] for message in check_deployment()] == ([number] if number else [])


@pytest.mark.parametrize(
    ("backend", "numbers"),
    [("locmem.LocMemCache", ["W074"]), ("dummy.DummyCache", ["W074"]), ("redis.RedisCache", [])],
)
def test_a_rate_that_each_process_has_by_itself_is_warned_of(given, settings, backend, numbers):
    cache = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "127.0.0.1:1"}
    settings.CACHES = {"default": cache}
    changes = {"ENVIRONMENT": "production", "INSTANCE": "live", "THROTTLE": None, "REQUESTS_PER_SECOND": 5}
    assert given(changes) == []
    assert [message.id[-4:] for message in check_deployment()] == numbers


def test_a_cache_that_keeps_nothing_is_told_as_that(given, settings):
    """A throttle counts in the process then: to share it would not help."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert given({"ENVIRONMENT": "production", "INSTANCE": "live"}) == []
    (message,) = check_deployment()
    assert message.id.endswith("W030")
    assert message.msg.endswith("THROTTLE.cache: 'default' keeps nothing: each process counts on its own.")


def test_limits_as_they_may_be_written(given):
    limits = {
        "session": "1/s",
        "account": "10/1h",
        "address": "999999/9999d",
        "everyone": None,
        "holds": "1/1m",
    }
    proxies = ["10.0.0.0/8", "127.0.0.1", "2001:db8::/32", "unix"]
    assert given({"THROTTLE": {**limits, "trusted_proxies": proxies}}) == []
    assert given({"THROTTLE": None}) == []
    assert Limit.parse("5/10m") == (5, 600)
    assert Limit.parse("1/s") == (1, 1)
    assert Limit.parse("20/2d") == (20, 172_800)


def test_a_database_without_partial_indexes_is_an_error(monkeypatch):
    from django.db import connection

    assert check_databases(["default"]) == []
    monkeypatch.setattr(connection.features, "supports_partial_indexes", False, raising=False)
    assert [message.id for message in check_databases(["default"])] == ["voucher_payment_gateway.E022"]


@pytest.mark.parametrize(
    "options",
    [
        {"constraints": [models.UniqueConstraint("number", name="a")]},
        {"constraints": [models.UniqueConstraint(fields=["number"], name="b")]},
        {"constraints": [models.UniqueConstraint(Lower("number"), name="c")]},
        {"unique_together": [["number"]]},
    ],
)
def test_a_number_that_a_constraint_makes_unique_is_fine(given, monkeypatch, options):
    for name, value in options.items():
        monkeypatch.setattr(StoreOrder._meta, name, value)
    assert given({"ORDER_MODEL": "shop.StoreOrder"}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"ORDER_MODEL": "shop.GiftOrder"},
        {"ORDER_MODEL": "shop.OpenOrder"},
        {"ORDER_MODEL": "shop.StoreOrder", "ORDER_FIELDS": {"number": "pk"}},
        {"ORDER_MODEL": "shop.StoreOrder", "ORDER_FIELDS": {"number": "id"}},
        {"ORDER_MODEL": "shop.StoreOrder", "ORDER_ADAPTER": f"{__name__}.StoreAdapter"},
    ],
)
def test_a_number_that_is_unique_in_another_way_is_fine(given, changes):
    assert given(changes) == []


class StoreAdapter(OrderAdapter):
    """Numbers with the store in front."""


class OrdersElsewhere:
    """A router that stores the orders in another database."""

    def db_for_write(self, model, **_):
        return "orders" if model._meta.label == "shop.Order" else None


def test_orders_in_another_database_than_the_payments_are_an_error(settings, given):
    settings.DATABASE_ROUTERS = [f"{__name__}.OrdersElsewhere"]
    assert [message.id for message in given({})] == ["voucher_payment_gateway.E024"]


def test_wrong_settings_raise_outside_of_the_error_tree_and_show_no_value(given):
    given({"ENVIRONMENT": SECRET, "CLIENT_ID": ""})
    with pytest.raises(ImproperlyConfigured) as caught:
        gateway_settings()
    assert "ENVIRONMENT" in str(caught.value)
    assert "CLIENT_ID" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_the_settings_show_no_secret(given):
    given({})
    assert SECRET not in repr(gateway_settings())
    assert GOOD["SEALING_KEYS"][0] not in repr(gateway_settings())


def test_every_key_has_a_number_and_every_number_a_hint():
    assert set(GatewaySettings.model_fields) <= set(NUMBERS)
    assert set(NUMBERS.values()) <= set(CATALOGUE)
    assert all(check.cure for check in CATALOGUE.values())


# before a deployment


def deployment(settings, changes):
    settings.VOUCHER_PAYMENT_GATEWAY = {**GOOD, **changes}
    found = checks.run_checks(include_deployment_checks=True)
    return [each.id for each in found if each.id == "voucher_payment_gateway.W033"]


@pytest.mark.parametrize("debug", [False, True])
def test_the_local_voucher_cloud_is_an_error_before_a_deployment(settings, debug):
    settings.DEBUG = debug
    settings.VOUCHER_PAYMENT_GATEWAY = {**GOOD, "INSTANCE": "live", "THROTTLE": None}
    (message,) = check_deployment()
    assert (message.id, message.level) == ("voucher_payment_gateway.E028", checks.ERROR)
    settings.VOUCHER_PAYMENT_GATEWAY["ENVIRONMENT"] = "sandbox"
    assert check_deployment() == []


@pytest.mark.parametrize("limit", ["5/10m", None])
def test_sessions_in_signed_cookies_are_told_where_they_are_limited(settings, limit):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://x"}
    }
    changes = {"ENVIRONMENT": "production", "INSTANCE": "live", "THROTTLE": {"session": limit}}
    settings.VOUCHER_PAYMENT_GATEWAY = {**GOOD, **changes}
    assert [message.id[-4:] for message in check_deployment()] == (["W039"] if limit else [])
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    assert check_deployment() == []


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "count"), [("", 1), ("production", 0)])
def test_a_name_of_the_installation_is_recommended_before_a_deployment(settings, name, count):
    assert len(deployment(settings, {"INSTANCE": name})) == count


@pytest.mark.django_db
def test_it_is_not_recommended_every_day(settings):
    settings.VOUCHER_PAYMENT_GATEWAY = GOOD
    assert "voucher_payment_gateway.W033" not in [each.id for each in checks.run_checks()]


@pytest.mark.django_db
def test_where_the_settings_are_wrong_that_comes_first(settings):
    assert deployment(settings, {"CAPTURE": "later"}) == []
    del settings.VOUCHER_PAYMENT_GATEWAY
    assert check_deployment() == []
