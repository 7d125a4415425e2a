"""The access token is shared by all processes, sealed; a broken cache never stops a checkout."""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.db import connections

from tests.redis_server import redis_server
from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.api import Token
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.token_cache import WAIT_TIMEOUT_SECONDS, TokenCache

ROOT = Path(__file__).resolve().parent.parent
PROCESSES, THREADS = 8, 64


@pytest.fixture
def token_cache(gateway_settings):
    cache.clear()
    return TokenCache("http://127.0.0.1/v1", "shop")


def token(value="canary-token", seconds=600):
    now = datetime.now(UTC)
    return Token(value, now, now + timedelta(seconds=seconds))


def token_requests(voucher_cloud):
    return [call for call in voucher_cloud.requests if call.path == "/oauth/token"]


def test_a_token_is_shared_sealed(token_cache):
    given = token()
    token_cache.save(given)
    assert token_cache.load() == given
    assert "canary-token" not in str(list(caches["default"]._cache.values()))


def test_another_client_or_address_has_a_token_of_its_own(token_cache):
    token_cache.save(token())
    assert TokenCache("http://127.0.0.1/v1", "other").load() is None
    assert TokenCache("https://other/v1", "shop").load() is None


def test_only_the_rejected_token_is_forgotten(token_cache):
    token_cache.save(token("newer"))
    token_cache.forget(token("older"))
    assert token_cache.load().value == "newer"
    token_cache.forget(token("newer"))
    assert token_cache.load() is None


def test_without_a_sealing_key_nothing_is_stored(token_cache, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    token_cache.save(token())
    assert caches["default"]._cache == {}
    assert token_cache.load() is None


def test_one_waits_for_the_other_that_is_fetching(token_cache):
    assert token_cache.load() is None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(token_cache.load)
        token_cache.save(token("fetched"))
        assert waiting.result(timeout=10).value == "fetched"


def test_no_other_is_kept_waiting_for_a_token_that_did_not_come(gateway_settings, voucher_cloud, token_cache):
    voucher_cloud.faults.next("before:500", path="/oauth/token")
    store = TokenCache(client_base(), "local-shop")
    with pytest.raises(UnavailableError):
        connection.voucher_cloud().authenticate()
    assert cache.get(store._fetching) is None
    connection.voucher_cloud().authenticate()
    assert len(token_requests(voucher_cloud)) == 2


def test_giving_up_leaves_the_mark_of_another(token_cache):
    another = TokenCache("http://127.0.0.1/v1", "shop")
    assert another.load() is None
    assert token_cache.load(0.05) is None
    token_cache.give_up()
    assert cache.get(token_cache._fetching) is not None
    another.give_up()
    assert cache.get(token_cache._fetching) is None


def test_nobody_waits_longer_than_the_call_has_time(token_cache, monkeypatch):
    monkeypatch.setattr("voucher_payment_gateway.token_cache.WAIT_TIMEOUT_SECONDS", 20.0)
    monkeypatch.setattr("voucher_payment_gateway.token_cache.FETCH_TIMEOUT_SECONDS", 3600)
    assert TokenCache("http://127.0.0.1/v1", "shop").load(0) is None
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(token_cache.load, 0.05).result(timeout=10) is None


def test_a_new_client_takes_the_shared_token_without_a_request(gateway_settings, voucher_cloud):
    cache.clear()
    connection.voucher_cloud().authenticate()
    connection.close()
    connection.voucher_cloud().authenticate()
    assert len(token_requests(voucher_cloud)) == 1


def test_a_wrong_token_in_the_cache_costs_one_request_and_no_error(gateway_settings, voucher_cloud):
    cache.clear()
    voucher = voucher_cloud.add_voucher(amount="5.00")
    client = connection.voucher_cloud()
    store = TokenCache(client_base(), "local-shop")
    store.save(token("of-another-cloud"))
    assert client.get_voucher(voucher.id).id == voucher.id
    assert len(token_requests(voucher_cloud)) == 1


def client_base():
    from voucher_payment_gateway.conf import gateway_settings

    return gateway_settings().base_url


class BrokenCache(LocMemCache):
    """A cache whose every call fails."""

    def _down(self, *_args, **_options):
        raise ConnectionError("the cache is down")

    get = set = add = delete = _down


@pytest.mark.parametrize("stored", ["nonsense", "gAAAAABnonsense", 7, None])
def test_nonsense_in_the_cache_is_no_token(token_cache, stored):
    token_cache.save(token())
    cache.set(token_cache._key, stored)
    assert token_cache.load() is None


def test_a_broken_cache_never_stops_a_checkout(gateway_settings, settings, voucher_cloud):
    settings.CACHES = {"default": {"BACKEND": "tests.test_token_cache.BrokenCache"}}
    voucher = voucher_cloud.add_voucher(amount="5.00")
    assert connection.voucher_cloud().get_voucher(voucher.id).id == voucher.id


def test_a_cache_that_never_answers_never_stops_a_checkout(gateway_settings, settings, voucher_cloud):
    """A Redis behind a firewall that swallows: it accepts and is silent, and the client sets no time limit."""
    gateway_settings(DEADLINE_SECONDS=2.0, TIMEOUT_SECONDS=2.0)
    voucher = voucher_cloud.add_voucher(amount="5.00")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings.CACHES = {
            "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": address}
        }
        assert connection.voucher_cloud().get_voucher(voucher.id).id == voucher.id
        assert len(token_requests(voucher_cloud)) == 1


def test_a_cache_in_the_database_leaves_no_connection_open(transactional_db, token_cache, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "shared_cache"}
    }
    call_command("createcachetable")

    def ask():
        token_cache.save(token())
        found = token_cache.load()
        return found.value, connections["default"].connection

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ask).result() == ("canary-token", None)
    with connections["default"].cursor() as cursor:
        cursor.execute("DROP TABLE shared_cache")


COLD_START = """
import sys
from threading import Barrier, Thread
import django
from django.conf import settings
import tests.settings as base
options = {name: getattr(base, name) for name in dir(base) if name.isupper()}
options["CACHES"] = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": sys.argv[1]}}
options["VOUCHER_PAYMENT_GATEWAY"]["BASE_URL"] = sys.argv[2]
settings.configure(**options)
django.setup()
from voucher_payment_gateway.connection import voucher_cloud
sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()
threads = int(sys.argv[3])
barrier, errors = Barrier(threads), []
def start():
    barrier.wait()
    try:
        voucher_cloud().authenticate()
    except Exception as error:
        errors.append(repr(error))
crowd = [Thread(target=start) for _ in range(threads)]
[thread.start() for thread in crowd]
[thread.join() for thread in crowd]
print(len(errors), errors[:1])
"""


def test_a_cold_start_of_many_processes_makes_at_most_two_token_requests(server, voucher_cloud, tmp_path):
    with redis_server(tmp_path) as address:
        command = [sys.executable, "-c", COLD_START, address, server.base_url, str(THREADS)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        workers = [
            subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, **pipes)
            for _ in range(PROCESSES)
        ]
        assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * PROCESSES
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        assert [worker.communicate(timeout=120)[0] for worker in workers] == ["0 []\n"] * PROCESSES
    assert 1 <= len(token_requests(voucher_cloud)) <= 2


class SilentCache(LocMemCache):
    """django-redis with ``IGNORE_EXCEPTIONS`` while Redis is down: every call returns None."""

    def _nothing(self, *_args, **_options):
        return None

    get = set = add = delete = _nothing


def test_a_cache_that_returns_nothing_costs_a_token_request_and_no_waiting(shop, settings):
    """It is not taken for another process that is requesting a token."""
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.SilentCache"}}
    shop.voucher("20.00")
    began = time.monotonic()
    gateway.authorize(shop.order("20.00"), "GIFT-2000-ABCD")
    assert time.monotonic() - began < WAIT_TIMEOUT_SECONDS
