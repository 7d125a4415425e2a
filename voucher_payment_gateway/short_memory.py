"""What processes remember together for some minutes: in Django's default cache, and in this process where that fails.

A cache may fail without an exception: django-redis with ``IGNORE_EXCEPTIONS`` returns None from every call.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connections

__all__ = [
    "PROCESS_CACHE",
    "CacheFailedError",
    "is_first",
    "is_shared",
    "leaving_no_connection",
    "number",
    "recall",
    "remember",
    "shared_or_own",
    "truth",
]

NAME = "voucher_payment_gateway"
PROCESS_CACHE = LocMemCache(NAME, {"OPTIONS": {"MAX_ENTRIES": 10_000}})


class CacheFailedError(Exception):
    """The cache returned what no working cache returns."""


def number(answer: object) -> int:
    """Return the answer of ``incr``. Raises CacheFailedError for anything but a whole number."""
    if not isinstance(answer, int) or isinstance(answer, bool):
        raise CacheFailedError
    return answer


def truth(answer: object) -> bool:
    """Return the answer of ``add``. Raises CacheFailedError for anything but true or false."""
    if not isinstance(answer, int):
        raise CacheFailedError
    return bool(answer)


def shared_or_own(alias: str) -> BaseCache:
    """Return this cache; that of the process in place of one that keeps nothing."""
    found = caches[alias]
    return PROCESS_CACHE if isinstance(found, DummyCache) else found


def is_shared(cache: BaseCache) -> bool:
    """Return whether processes share what is in this cache."""
    return not isinstance(cache, DummyCache | LocMemCache)


def _store() -> BaseCache:
    """Return the default cache; that of the process inside of a transaction which a cache in the database would join: a
    failure would break it, and a rollback would undo what was remembered."""
    store = shared_or_own("default")
    in_transaction = any(made.in_atomic_block for made in connections.all(initialized_only=True))
    return PROCESS_CACHE if isinstance(store, DatabaseCache) and in_transaction else store


@contextmanager
def leaving_no_connection() -> Iterator[None]:
    """Close the database connections opened in this block: a cache may use the database, and Django does not close
    those of a thread of ours."""
    before = _open_connections()
    try:
        yield
    finally:
        for alias in _open_connections() - before:
            connections[alias].close()


def _open_connections() -> set[str]:
    return {made.alias for made in connections.all(initialized_only=True) if made.connection is not None}


@leaving_no_connection()
def is_first(name: str, seconds: int) -> bool:
    """Return whether this is the first call for ``name`` within ``seconds``; each process answers by itself where the
    cache fails."""
    key = f"{NAME}.first.{name}"
    store = _store()
    with suppress(Exception):  # whatever a cache backend or its driver raises
        if truth(store.add(key, 1, seconds)):
            return True
        if store.get(key) is not None:
            return False
    return PROCESS_CACHE.add(key, 1, seconds)


@leaving_no_connection()
def remember(name: str, value: str, seconds: int) -> None:
    """Keep a text for ``seconds``, also in this process: a cache that fails may not tell."""
    key = f"{NAME}.memory.{name}"
    PROCESS_CACHE.set(key, value, seconds)
    with suppress(Exception):
        _store().set(key, value, seconds)


@leaving_no_connection()
def recall(name: str) -> str | None:
    """Return what was remembered by any process, as far as the cache knows; else by this one, or None."""
    key = f"{NAME}.memory.{name}"
    with suppress(Exception):
        found = _store().get(key)
        if isinstance(found, str):
            return found
    own: str | None = PROCESS_CACHE.get(key)
    return own
