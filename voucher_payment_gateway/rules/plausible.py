"""Instants that no schedule can have produced: a machine's clock was ahead when they were written.

Believed, they would leave an operation alone, and with it its voucher, until our clock has reached them. Each is
replaced by the latest that it can truly be. What was done by then was done before now, so nothing is sent or judged
earlier than without the wrong clock.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from voucher_payment_gateway.rules.resolution import (
    EXPIRY_MARGIN_SECONDS,
    MAX_CLOCK_ERROR,
    TRAILING_READ_SECONDS,
    expired_at,
)
from voucher_payment_gateway.rules.timing import (
    CLOCK_MARGIN,
    HOLD_SECONDS,
    MAX_BACKOFF_SECONDS,
    held_until,
)

__all__ = [
    "NEXT_RENEWAL",
    "TRAILING_READ",
    "Instants",
    "clocks_agree",
    "corrected_hold",
    "corrected_operation",
    "corrected_sale",
    "is_implausible",
    "longest_wait",
]

Instants = Mapping[str, datetime | None]

HOLD = timedelta(seconds=HOLD_SECONDS)
EXPIRY = HOLD + timedelta(seconds=EXPIRY_MARGIN_SECONDS)
"""The longest until a reservation that is made now has certainly ended, by our clock alone."""
NEXT_RENEWAL = timedelta(seconds=MAX_BACKOFF_SECONDS)
TRAILING_READ = timedelta(seconds=TRAILING_READ_SECONDS)


def is_implausible(instant: datetime | None, now: datetime, most: timedelta = timedelta(0)) -> bool:
    """Return whether ``instant`` is further in the future than ``most``, and the difference between two clocks."""
    return instant is not None and instant > now + most + CLOCK_MARGIN


def clocks_agree(ours: datetime, another: datetime) -> bool:
    """Return whether two clocks differ by no more than those of two machines of a shop may."""
    return abs(ours - another) <= CLOCK_MARGIN


def longest_wait(*, lease_seconds: float, list_lag_seconds: float) -> timedelta:
    """Return the longest until the next attempt of an operation: its backoff, its lease, or the lag of the lists."""
    return timedelta(seconds=max(MAX_BACKOFF_SECONDS, lease_seconds, list_lag_seconds))


def corrected_operation(operation: Instants, now: datetime, wait: timedelta) -> dict[str, datetime | None]:
    """Return the fields of an open operation that cannot be true, corrected: next attempt, sending, fence, reads."""
    happened = ("sending_at", "refused_at", "forbidden_at")
    corrected = {name: now for name in happened if is_implausible(operation[name], now)}
    fields: dict[str, datetime | None] = {**corrected}
    if is_implausible(operation["due_at"], now, wait):
        fields["due_at"] = now
    if is_implausible(operation["absent_at"], now):
        fields["absent_at"] = None
    target_dead_at, fence_at = operation["target_dead_at"], operation["fence_at"]
    if is_implausible(target_dead_at, now, EXPIRY + MAX_CLOCK_ERROR):
        fields["target_dead_at"] = expired_at(held_until(now), None)
    is_end_of_target = fence_at == target_dead_at  # which the API may have named, with a clock of its own
    if is_implausible(fence_at, now, EXPIRY + MAX_CLOCK_ERROR if is_end_of_target else EXPIRY):
        fields["fence_at"] = None
    return fields


def corrected_hold(payment: Instants, now: datetime) -> dict[str, datetime]:
    """Return the end of a reservation, corrected where it is too far ahead: it was made before now."""
    if not is_implausible(payment["reserved_until"], now, HOLD):
        return {}
    until = held_until(now)
    return {"reserved_until": until, "reservation_dead_at": expired_at(until, None)}


def corrected_sale(sale: Instants, now: datetime, wait: timedelta) -> dict[str, datetime]:
    """Return when the next step and the next delivery of a sale are due, corrected where they are too far ahead. A
    delivery may be planned for any instant, and is tried again within ``wait`` after it."""
    planned = max(sale["deliver_at"] or now, now)
    fields = {"due_at": now} if is_implausible(sale["due_at"], now, wait) else {}
    if is_implausible(sale["deliver_due_at"], planned, wait):
        fields["deliver_due_at"] = planned
    return fields
