"""Atomic counting in Django's cache, so that concurrent attempts cannot exceed a limit.

Fixed windows: each key belongs to one window and is never reused, so no two processes can reset an expired entry.
A cache that is down never stops a checkout: each process then counts by itself.
"""

import math
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from django.core.cache.backends.base import BaseCache
from django.utils.crypto import salted_hmac

from voucher_payment_gateway.alerts import ALERT_SECONDS
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.settings_sections import Limit
from voucher_payment_gateway.short_memory import (
    PROCESS_CACHE,
    is_first,
    is_shared,
    number,
    shared_or_own,
    truth,
)

__all__ = ["Count", "Counter", "Counting", "counts_exactly", "is_shared", "uncount"]

NAME = "voucher_payment_gateway.throttle"
MARGIN_SECONDS = 60
"""How long an entry outlives its window, for clocks that differ and calls in flight."""


@dataclass(frozen=True)
class Counter:
    """The counter of one visitor, account or address in the current window. ``key`` does not reveal whose it is."""

    name: str
    key: str
    most: int
    ends_at: float

    @classmethod
    def now(cls, name: str, who: str, limit: Limit, account: str = "") -> "Counter":
        """Return the counter of ``who`` in the current window of ``limit.seconds``, for the codes of one merchant."""
        window = int(time.time() // limit.seconds)
        scope = f"{name}@{account}" if account else name
        text = f"{scope} {who} {limit.seconds} {window}"
        digest = salted_hmac(NAME, text, algorithm="sha256").hexdigest()[:40]
        return cls(name, f"{NAME}.{digest}", limit.most, (window + 1) * limit.seconds)

    def seconds_left(self) -> int:
        """Return the whole seconds until the window ends."""
        return max(math.ceil(self.ends_at - time.time()), 1)


@dataclass(frozen=True)
class Count:
    """One attempt counted, and the cache it was counted in."""

    store: BaseCache
    counter: Counter
    is_first: bool = False
    """Whether it is the only one in its window so far."""


class Counting:
    """Counts in one cache; after its first failure, in this process."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._store: BaseCache = shared_or_own(alias)

    def add(self, counter: Counter) -> Count | None:
        """Count one attempt, or return None if the limit is reached already."""
        counted = self._increment(counter)
        count = Count(self._store, counter, is_first=counted == 1)
        if counted <= counter.most:
            return count
        uncount([count])
        return None

    def _increment(self, counter: Counter) -> int:
        try:
            return _increment(self._store, counter)
        except Exception as error:  # whatever a cache backend or its driver raises
            if is_first(f"throttle.cache.{self._alias}", ALERT_SECONDS):
                RunningEvents.throttle_cache_failed.log(
                    repr(self._alias), cache=self._alias, exception=type(error).__name__
                )
            self._store = PROCESS_CACHE
        return _increment(self._store, counter)


def uncount(counts: Iterable[Count]) -> None:
    """Decrement each counter. A decrement that fails is dropped: the entry expires by itself."""
    for count in counts:
        with suppress(Exception):
            _change(count.store, count.counter, -1)


def counts_exactly(cache: BaseCache) -> bool:
    """Return whether concurrent increments are all counted. Django's fallback is not atomic: it reads, then writes."""
    return type(cache).incr is not BaseCache.incr


def _increment(store: BaseCache, counter: Counter) -> int:
    with suppress(ValueError):
        return _change(store, counter, 1)
    if truth(store.add(counter.key, 1, _timeout(counter))):
        return 1
    return _change(store, counter, 1)  # another attempt has just created the entry


def _change(store: BaseCache, counter: Counter, by: int) -> int:
    counted = number(store.incr(counter.key, by))
    if not counts_exactly(store):
        store.touch(counter.key, _timeout(counter))  # its incr() has reset the timeout to the cache's default
    return counted


def _timeout(counter: Counter) -> int:
    return counter.seconds_left() + MARGIN_SECONDS
