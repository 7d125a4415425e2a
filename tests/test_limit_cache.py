"""What processes know of the Voucher Cloud is shared in the cache; a broken cache never stops a payment."""

import time

import pytest
from django.core.cache import cache, caches
from django.core.management import call_command

from tests.redis_server import redis_server
from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.limit_cache import LimitCache

DATABASE = "django.core.cache.backends.db.DatabaseCache"
REDIS = "django.core.cache.backends.redis.RedisCache"
FILES = "django.core.cache.backends.filebased.FileBasedCache"


@pytest.fixture(params=["memory", "files", "database", "redis"])
def any_cache(request, settings, tmp_path, transactional_db):
    if request.param == "files":
        settings.CACHES = {"default": {"BACKEND": FILES, "LOCATION": str(tmp_path)}}
    if request.param == "database":
        settings.CACHES = {"default": {"BACKEND": DATABASE, "LOCATION": "limit_cache"}}
        call_command("createcachetable", verbosity=0)
    if request.param != "redis":
        yield
        return
    with redis_server(tmp_path) as address:
        settings.CACHES = {"default": {"BACKEND": REDIS, "LOCATION": address}}
        yield
        caches.close_all()


def test_any_cache_shares_it(any_cache):
    one, other = (LimitCache("https://cloud.example/v1", "shop") for _ in range(2))
    until = time.time() + 30
    assert one.open_until() is None
    one.open(until)
    assert other.open_until() == until
    other.close()
    assert one.open_until() is None
    assert [one.claim_probe(30), other.claim_probe(30)] == [True, False]
    one.release_probe()
    assert other.claim_probe(30)
    assert [one.count(7), other.count(7), one.count(8), other.count(7)] == [1, 2, 1, 3]


@pytest.mark.parametrize(
    "other", [("https://cloud.example/v1", "till"), ("https://elsewhere.example/v1", "shop")]
)
def test_another_client_or_address_has_limits_of_its_own(other):
    LimitCache("https://cloud.example/v1", "shop").open(time.time() + 30)
    assert LimitCache(*other).open_until() is None


def test_the_key_says_neither_client_nor_address():
    LimitCache("https://cloud.example/v1", "shop-canary").open(time.time() + 30)
    keys = str(list(caches["default"]._cache))
    assert "canary" not in keys
    assert "cloud.example" not in keys


def test_what_another_program_left_under_the_key_is_nothing():
    shared = LimitCache("https://cloud.example/v1", "shop")
    cache.set(shared._key, "until tomorrow")
    assert shared.open_until() is None


def store_of_the_client():
    return connection.voucher_cloud()._flow.settings.limits.store


def test_a_cache_that_processes_do_not_share_is_not_asked(gateway_settings):
    assert store_of_the_client() is None


def test_a_shared_cache_is_asked(settings, gateway_settings, tmp_path):
    settings.CACHES = {"default": {"BACKEND": FILES, "LOCATION": str(tmp_path)}}
    connection.close()
    assert isinstance(store_of_the_client(), LimitCache)


def test_a_circuit_that_another_process_has_opened_holds_back_this_one(settings, shop, tmp_path):
    settings.CACHES = {"default": {"BACKEND": FILES, "LOCATION": str(tmp_path)}}
    connection.close()
    store_of_the_client().open(time.time() + 9)
    voucher, order = shop.voucher("20.00"), shop.order("20.00")
    with pytest.raises(UnavailableError) as caught:
        gateway.authorize(order, voucher.code)
    assert caught.value.code == "circuit_open"


def test_a_cache_that_is_down_stops_no_payment(settings, shop):
    settings.CACHES = {"default": {"BACKEND": REDIS, "LOCATION": "redis://127.0.0.1:9/0"}}
    connection.close()
    voucher, order = shop.voucher("20.00"), shop.order("20.00")
    gateway.authorize(order, voucher.code)
    gateway.capture(order)
    assert [kind for kind, _ in shop.bookings(voucher)] == ["charge"]


@pytest.mark.parametrize(("given", "slow_calls"), [(None, 8), (9, 9)])
def test_slow_calls_are_a_quarter_of_the_threads_unless_they_are_set(
    gateway_settings, monkeypatch, given, slow_calls
):
    monkeypatch.setattr("sys.argv", ["pytest"])
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    gateway_settings(SLOW_CALLS=given)
    assert connection.voucher_cloud()._flow.settings.limits.slow_calls == slow_calls


def test_the_threads_are_read_from_the_command(gateway_settings, monkeypatch):
    gateway_settings(SLOW_CALLS=None)
    monkeypatch.setattr("sys.argv", ["gunicorn", "--threads", "8"])
    assert connection.voucher_cloud()._flow.settings.limits.slow_calls == 2


def test_a_worker_of_one_thread_may_wait_with_it(gateway_settings, monkeypatch):
    gateway_settings(SLOW_CALLS=None)
    monkeypatch.setattr("sys.argv", ["gunicorn", "--threads", "1"])
    assert connection.voucher_cloud()._flow.settings.limits.slow_calls == 1


def test_what_an_operator_asks_is_asked(gateway_settings):
    with connection.new_client(connection.account_settings("")) as client:
        assert client._flow.settings.limits is None
