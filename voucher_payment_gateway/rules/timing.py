"""Durations and deadlines, all on our own clock.

- Holds: how long a reservation may be used, and when it is renewed. Counted from the moment its answer came: the API's
  clock is never compared with ours. Source of the 30 minutes: Voucher Cloud API 1.8, ``POST /reservations``.
- Leases: how long a worker owns the operation that it sends.
- Schedules: the backoff between attempts.
- Orders: whether a payment is that of an earlier order with the same number.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

__all__ = [
    "HOLD_SECONDS",
    "RENEW_SECONDS",
    "SEND_WINDOW_SECONDS",
    "USE_MARGIN_SECONDS",
    "after_lease",
    "belongs_from",
    "ends_soon",
    "has_ended",
    "held_until",
    "is_usable",
    "lease_seconds",
    "may_be_charged",
    "may_begin",
    "next_attempt_at",
    "next_renewal_at",
    "next_send_at",
    "renewal_due_at",
]

CLOCK_MARGIN = timedelta(seconds=60)

HOLD_SECONDS = 30 * 60
USE_MARGIN_SECONDS = 60
"""A reservation with less time left than this is not used: the call itself takes time."""

RENEW_SECONDS = 10 * 60
"""A reservation with less time left than this is renewed when the customer confirms, or by ``RENEW_HOLDS``."""

SEND_WINDOW_SECONDS = 20
"""Maximum time from leasing an operation to sending it."""

MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 30, 3600


def held_until(answered_at: datetime) -> datetime:
    """Return the end of a reservation that was answered at ``answered_at``."""
    return answered_at + timedelta(seconds=HOLD_SECONDS)


def is_usable(reserved_until: datetime | None, now: datetime) -> bool:
    """Return whether a reservation that ends at ``reserved_until`` can still be charged at ``now``."""
    return reserved_until is not None and now < reserved_until - timedelta(seconds=USE_MARGIN_SECONDS)


def has_ended(reserved_until: datetime | None, now: datetime) -> bool:
    """Return whether a reservation has ended, by our clock; None: there is none."""
    return reserved_until is None or reserved_until <= now


def may_be_charged(reserved_until: datetime | None, now: datetime, *, held: Decimal, amount: Decimal) -> bool:
    """Return whether a charge of ``amount`` may use a reservation of ``held``. A charge takes all of a reservation, so
    the amounts must be equal; otherwise the voucher is reserved again."""
    return is_usable(reserved_until, now) and held == amount


def ends_soon(reserved_until: datetime | None, now: datetime) -> bool:
    """Return whether a reservation that ends at ``reserved_until`` is due to be renewed."""
    return reserved_until is not None and now >= renewal_due_at(reserved_until)


def renewal_due_at(reserved_until: datetime) -> datetime:
    """Return from when on ``RENEW_HOLDS`` renews a reservation that ends at ``reserved_until``."""
    return reserved_until - timedelta(seconds=RENEW_SECONDS)


def lease_seconds(deadline_seconds: float) -> float:
    """Return how long a worker owns a sending operation, if a call takes at most ``deadline_seconds``."""
    return SEND_WINDOW_SECONDS + deadline_seconds + SEND_WINDOW_SECONDS


def may_begin(now: float, latest: float) -> bool:
    """Return whether a request may still be written: the last check before the socket."""
    return now <= latest


def after_lease(kind: str) -> Literal["unknown", "succeeded"]:
    """Return the state of an operation whose lease expired: unknown, never sent again without evidence.

    A release books nothing, so it has no outcome to wait for.
    """
    return "succeeded" if kind == "cancel" else "unknown"


def next_attempt_at(now: datetime, began_at: datetime) -> datetime:
    """Return when to try again, with exponential backoff: after the age of the operation, between 30 seconds and one
    hour."""
    age = (now - began_at).total_seconds()
    return now + timedelta(seconds=min(max(age, MIN_BACKOFF_SECONDS), MAX_BACKOFF_SECONDS))


def next_send_at(now: datetime, asked_at: datetime, wait_seconds: float) -> datetime:
    """Return when to send again an operation that was certainly not applied: after the backoff, and not before
    ``wait_seconds`` have passed, of which one hour at most is respected."""
    earliest = now + timedelta(seconds=min(wait_seconds, MAX_BACKOFF_SECONDS))
    return max(next_attempt_at(now, asked_at), earliest)


def next_renewal_at(now: datetime, reserved_until: datetime) -> datetime:
    """Return when to try again to renew, with exponential backoff since the renewal was due, or since the reservation
    ended."""
    has_ended = reserved_until <= now
    return next_attempt_at(now, reserved_until if has_ended else renewal_due_at(reserved_until))


def belongs_from(order_created_at: datetime) -> datetime:
    """Return from when on a payment may be one of the order: an older one belongs to an order that had the number
    before. The margin is for clocks that differ between two machines of the shop."""
    return order_created_at - CLOCK_MARGIN
