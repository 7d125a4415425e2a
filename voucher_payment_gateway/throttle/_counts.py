"""Counting in Django's cache, so that no two attempts take the last place.

A key belongs to one stretch of time and is never used again: an entry that ran out cannot be revived by two at once.
A cache that is down never stops a checkout: each process counts for itself then.
"""

import logging
import math
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.utils.crypto import salted_hmac

from voucher_payment_gateway.settings_sections import Limit

__all__ = ["Count", "Counter", "Counting", "counts_exactly", "give_back", "is_shared"]

logger = logging.getLogger("voucher_payment_gateway")

NAME = "voucher_payment_gateway.throttle"
MARGIN_SECONDS = 60
"""So much longer than its stretch of time an entry is kept, for clocks that differ and calls under way."""

OF_THIS_PROCESS = LocMemCache(NAME, {"OPTIONS": {"MAX_ENTRIES": 10_000}})


@dataclass(frozen=True)
class Counter:
    """What is counted for somebody in the present stretch of time. Whom it is about cannot be read from ``key``."""

    name: str
    key: str
    most: int
    ends_at: float

    @classmethod
    def now(cls, name: str, who: str, limit: Limit) -> "Counter":
        """Return the counter of ``who`` for the stretch of ``limit.seconds`` that we are in."""
        stretch = int(time.time() // limit.seconds)
        text = f"{name} {who} {limit.seconds} {stretch}"
        digest = salted_hmac(NAME, text, algorithm="sha256").hexdigest()[:40]
        return cls(name, f"{NAME}.{digest}", limit.most, (stretch + 1) * limit.seconds)

    def seconds_left(self) -> int:
        """Return after how many whole seconds it begins anew."""
        return max(math.ceil(self.ends_at - time.time()), 1)


@dataclass(frozen=True)
class Count:
    """One that was counted, and where."""

    store: BaseCache
    counter: Counter


class Counting:
    """Counts in one cache until that fails once, and from then on in this process."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._store: BaseCache = _store(alias)

    def add(self, counter: Counter) -> Count | None:
        """Count one more, or return None where the limit is reached already."""
        number = self._one_more(counter)
        count = Count(self._store, counter)
        if number <= counter.most:
            return count
        give_back([count])
        return None

    def _one_more(self, counter: Counter) -> int:
        try:
            return _one_more(self._store, counter)
        except Exception as error:  # whatever a cache backend or its driver raises
            logger.error("throttle: the cache %r failed: %s", self._alias, type(error).__name__)
            self._store = OF_THIS_PROCESS
        return _one_more(self._store, counter)


def give_back(counts: Iterable[Count]) -> None:
    """Count one less of each. What cannot be given back runs out by itself."""
    for count in counts:
        with suppress(Exception):
            _change(count.store, count.counter, -1)


def counts_exactly(cache: BaseCache) -> bool:
    """Whether two that count at once are both counted: Django's own fallback reads, adds and writes back."""
    return type(cache).incr is not BaseCache.incr


def is_shared(cache: BaseCache) -> bool:
    """Whether what one process counts is seen by the others."""
    return not isinstance(cache, DummyCache | LocMemCache)


def _store(alias: str) -> BaseCache:
    cache = caches[alias]
    return OF_THIS_PROCESS if isinstance(cache, DummyCache) else cache


def _one_more(store: BaseCache, counter: Counter) -> int:
    with suppress(ValueError):
        return _change(store, counter, 1)
    if store.add(counter.key, 1, _lasts(counter)):
        return 1
    return _change(store, counter, 1)  # somebody else has just begun it


def _change(store: BaseCache, counter: Counter, by: int) -> int:
    number = store.incr(counter.key, by)
    if not counts_exactly(store):
        store.touch(counter.key, _lasts(counter))  # its incr() has set the cache's own, shorter timeout
    return number


def _lasts(counter: Counter) -> int:
    return counter.seconds_left() + MARGIN_SECONDS
