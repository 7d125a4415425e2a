"""Counting in each of Django's caches: atomic if the cache is, and never blocking a checkout."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Barrier

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.memcached import BaseMemcachedCache
from django.core.management import call_command
from django.db import connections

from tests.redis_server import redis_server
from tests.throttle.conftest import failures_until_throttled, guess, visitor
from voucher_payment_gateway.exceptions import ThrottledError, VoucherUnusableError
from voucher_payment_gateway.settings_sections import Limit
from voucher_payment_gateway.throttle import _counts, counts_exactly, is_shared

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS, LIMIT = 4, 8, 50


@pytest.fixture(params=["locmem", "redis", "database", "file"])
def backend(request, settings, tmp_path, transactional_db):
    """Use each cache of Django in turn as the default. Its own timeout is shorter than any limit."""
    yield from {"locmem": in_memory, "redis": in_redis, "database": in_database, "file": in_files}[
        request.param
    ](settings, tmp_path)


def use(settings, name, location):
    path = f"django.core.cache.backends.{name}"
    settings.CACHES = {"default": {"BACKEND": path, "LOCATION": str(location), "TIMEOUT": 300}}
    return path


def in_memory(settings, tmp_path):
    yield use(settings, "locmem.LocMemCache", tmp_path)


def in_redis(settings, tmp_path):
    with redis_server(tmp_path) as address:
        yield use(settings, "redis.RedisCache", address)
        caches["default"].close()


def in_database(settings, tmp_path):
    path = use(settings, "db.DatabaseCache", "shared_cache")
    call_command("createcachetable", verbosity=0)
    yield path
    with connections["default"].cursor() as cursor:
        cursor.execute("DROP TABLE shared_cache")


def in_files(settings, tmp_path):
    yield use(settings, "filebased.FileBasedCache", tmp_path / "cache")


def test_one_after_the_other_is_counted_everywhere(backend, limits):
    limits(session="4/1h", address="6/1h", everyone="9/1h", holds="2/1h")
    assert failures_until_throttled(visitor() for _ in range(9)) == 4
    assert failures_until_throttled(visitor("s-2") for _ in range(9)) == 2
    assert [guess(visitor("s-3", address="93.184.217.1"), None) for _ in range(3)] == [
        None,
        None,
        ThrottledError,
    ]


def test_a_count_lasts_as_long_as_its_limit_everywhere(backend, limits, monkeypatch):
    """Django's non-atomic ``incr`` resets the timeout of the entry."""
    limits(session="3/1d")
    kept = []

    def watch(name):
        original = getattr(type(cache._connections["default"]), name)

        def call(self, *args, **options):
            kept.append((name, args, options))
            return original(self, *args, **options)

        monkeypatch.setattr(type(cache._connections["default"]), name, call)

    cache.get("x")
    for name in ("add", "touch"):
        watch(name)
    guess(visitor())
    kept.clear()
    guess(visitor())
    if counts_exactly(caches["default"]):
        assert kept == []
    else:
        assert [name for name, *_ in kept] == ["touch"]
        assert kept[0][1][1] >= 60


def test_which_caches_count_exactly_and_which_are_shared(backend):
    name = backend.rpartition(".")[2]
    assert counts_exactly(caches["default"]) == (name in ("LocMemCache", "RedisCache"))
    assert is_shared(caches["default"]) == (name != "LocMemCache")


def test_memcached_counts_exactly_too():
    """Without a server: the class has an ``incr`` of its own."""
    store = object.__new__(BaseMemcachedCache)
    assert counts_exactly(store)
    assert is_shared(store)


def crowd(do, threads=THREADS):
    """Start all threads at once; return their results."""
    barrier = Barrier(threads)

    def start(number):
        barrier.wait(30)
        try:
            return do(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(start, range(threads)))


def test_threads_at_once_get_exactly_what_the_limit_allows(settings, tmp_path, limits):
    for _ in in_memory(settings, tmp_path):
        limits(everyone=f"{LIMIT}/1h")
        seen = crowd(lambda _: [guess(visitor()) for _ in range(LIMIT // 2)])
        assert sum(each.count(VoucherUnusableError) for each in seen) == LIMIT


WORKER = """
import sys
from threading import Barrier, Thread
import django
from django.conf import settings
import tests.settings as base
options = {name: getattr(base, name) for name in dir(base) if name.isupper()}
options["CACHES"] = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": sys.argv[1]}}
options["VOUCHER_PAYMENT_GATEWAY"]["THROTTLE"] = {
    "session": None, "address": None, "everyone": sys.argv[2], "refusal_seconds": 0
}
settings.configure(**options)
django.setup()
from tests.throttle.conftest import guess, visitor
from voucher_payment_gateway.exceptions import VoucherUnusableError
sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()
threads, let_through = int(sys.argv[3]), []
barrier = Barrier(threads)
def guess_on():
    barrier.wait()
    for _ in range(50):
        if guess(visitor()) is VoucherUnusableError:
            let_through.append(1)
crowd = [Thread(target=guess_on) for _ in range(threads)]
[thread.start() for thread in crowd]
[thread.join() for thread in crowd]
print(len(let_through))
"""


def test_processes_at_once_get_exactly_what_the_limit_allows(tmp_path):
    with redis_server(tmp_path) as address:
        command = [sys.executable, "-c", WORKER, address, f"{LIMIT}/1d", str(THREADS)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        workers = [subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) for _ in range(PROCESSES)]
        assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * PROCESSES
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        counts = [int(worker.communicate(timeout=120)[0]) for worker in workers]
    assert sum(counts) == LIMIT


class SlowFiles(FileBasedCache):
    """Both threads read before either writes, as can happen with files and database tables."""

    both_have_read = Barrier(2)

    def get(self, key, default=None, version=None):
        found = super().get(key, default, version)
        self.both_have_read.wait(30)
        return found


def test_what_the_check_warns_of_can_happen(settings, tmp_path):
    path = f"{__name__}.SlowFiles"
    settings.CACHES = {"default": {"BACKEND": path, "LOCATION": str(tmp_path)}}
    store = caches["default"]
    assert not counts_exactly(store)
    counter = _counts.Counter.now("session", "s-1", Limit(9, 3600))
    store.set(counter.key, 1)
    assert crowd(lambda _: caches["default"].incr(counter.key), threads=2) == [2, 2]


class BrokenCache(LocMemCache):
    """A cache whose every call fails, with a password in the error message."""

    def _down(self, *_args, **_options):
        raise ConnectionError("canary-of-a-password")

    get = set = add = incr = touch = delete = _down


class ForgetfulCache(LocMemCache):
    """A cache that evicts every entry at once."""

    def add(self, *_args, **_options):
        return False

    def incr(self, key, *_args, **_options):
        raise ValueError(f"Key {key!r} not found")


class SilentCache(LocMemCache):
    """django-redis with ``IGNORE_EXCEPTIONS`` while Redis is down: every call returns None."""

    def _nothing(self, *_args, **_options):
        return None

    get = set = add = incr = touch = delete = _nothing


class TextCache(LocMemCache):
    """A cache whose increments come back as text."""

    def incr(self, *_args, **_options):
        return "17"


@pytest.mark.parametrize("name", ["BrokenCache", "ForgetfulCache", "SilentCache", "TextCache"])
def test_a_broken_cache_never_stops_a_checkout_and_frees_nobody(settings, limits, caplog, name):
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.{name}"}}
    limits(session="2/1h", everyone="3/1h")
    assert [guess(visitor(), None) for _ in range(5)] == [None] * 5
    assert failures_until_throttled(visitor() for _ in range(9)) == 2
    assert failures_until_throttled(visitor(f"s-{number}") for number in range(2, 9)) == 1
    assert "the cache 'default' failed" in caplog.text
    assert "canary" not in caplog.text


class FailingCache(LocMemCache):
    """A cache whose every third increment fails."""

    calls = count(1)

    def incr(self, key, delta=1, version=None):
        if next(self.calls) % 3 == 0:
            raise ConnectionError
        return super().incr(key, delta, version)


def test_what_is_given_back_goes_where_it_was_taken(settings, limits):
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.FailingCache", "LOCATION": "failing"}}
    limits(session="1/1h", account="1/1h", address="1/1h", everyone="1/1h")
    for _ in range(30):
        assert guess(visitor(account=7), None) in (None, ThrottledError)
    left = [pickle.loads(value) for value in caches["default"]._cache.values()]
    left += [pickle.loads(value) for value in _counts.PROCESS_CACHE._cache.values()]
    assert min(left) >= 0


def test_a_cache_that_keeps_nothing_frees_nobody(settings, limits):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    limits(session="2/1h")
    assert failures_until_throttled(visitor() for _ in range(9)) == 2


def test_another_cache_than_the_default_one(settings, limits):
    settings.CACHES = {
        "default": {"BACKEND": f"{__name__}.BrokenCache"},
        "guesses": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "guesses"},
    }
    limits(session="2/1h", cache="guesses")
    assert failures_until_throttled(visitor() for _ in range(9)) == 2
    assert len(caches["guesses"]._cache) == 1


def test_nobody_can_be_recognised_in_the_cache(limits):
    limits(session="2/1h", account="2/1h", address="2/1h")
    guess(visitor("canary-session", account="canary-account"))
    kept = f"{caches['default']._cache}"
    assert kept.count("voucher_payment_gateway.throttle") == 3
    assert "canary" not in kept
    assert "93.184" not in kept
