"""What the processes of a shop know of one Voucher Cloud, in Django's default cache: whether it answers, and how many
calls were made in this second. Nothing of it is secret, and losing it costs a few calls.
"""

import hashlib
from contextlib import suppress

from django.core.cache import cache

from voucher_payment_gateway.short_memory import NAME, leaving_no_connection, number, truth

__all__ = ["LimitCache"]

KEPT_SECONDS = 300
"""How long the circuit stays open for all after its pause, while nobody tries again."""

COUNTED_SECONDS = 60
"""How long the count of a second is kept, for clocks that differ."""


class LimitCache:
    """Shares the limits of one client of one Voucher Cloud: a ``LimitStore`` for the API client."""

    def __init__(self, base_url: str, client_id: str) -> None:
        digest = hashlib.sha256(f"{base_url} {client_id}".encode()).hexdigest()[:32]
        self._key = f"{NAME}.limits.{digest}"
        self._probing = f"{self._key}.probing"

    @leaving_no_connection()
    def open_until(self) -> float | None:
        found = cache.get(self._key)
        return found if isinstance(found, float) else None

    @leaving_no_connection()
    def open(self, until: float) -> None:
        cache.set(self._key, float(until), KEPT_SECONDS)

    @leaving_no_connection()
    def close(self) -> None:
        cache.delete(self._key)

    @leaving_no_connection()
    def claim_probe(self, seconds: float) -> bool:
        return truth(cache.add(self._probing, 1, seconds))

    @leaving_no_connection()
    def release_probe(self) -> None:
        cache.delete(self._probing)

    @leaving_no_connection()
    def count(self, second: int) -> int:
        key = f"{self._key}.{second}"
        with suppress(ValueError):
            return number(cache.incr(key))
        if truth(cache.add(key, 1, COUNTED_SECONDS)):
            return 1
        return number(cache.incr(key))
