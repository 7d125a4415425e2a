"""How long a reservation may be used, and from when it is surely dead.

Only our own clock counts, from the moment the answer to the reservation came: the server's clock and ours
are never compared to decide about money. Source of the 30 minutes: Voucher Cloud API 1.8, ``POST /reservations``.
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
    "ends_soon",
    "held_until",
    "is_usable",
    "lease_seconds",
    "may_be_charged",
    "may_begin",
    "next_look_at",
    "next_send_at",
]

HOLD_SECONDS = 30 * 60
USE_MARGIN_SECONDS = 60
"""A hold with less than this left is not used any more: the call itself takes time."""

RENEW_SECONDS = 10 * 60
"""A hold with less than this left is made again where the customer confirms, or where holds are kept alive."""


def held_until(answered_at: datetime) -> datetime:
    """Return until when a reservation answered at ``answered_at`` holds."""
    return answered_at + timedelta(seconds=HOLD_SECONDS)


def is_usable(reserved_until: datetime | None, now: datetime) -> bool:
    """Say whether a reservation that holds until ``reserved_until`` can still be charged at ``now``."""
    return reserved_until is not None and now < reserved_until - timedelta(seconds=USE_MARGIN_SECONDS)


def may_be_charged(reserved_until: datetime | None, now: datetime, *, held: Decimal, amount: Decimal) -> bool:
    """Say whether a charge of ``amount`` may use a reservation of ``held``: a charge takes all of it, so it must be
    usable and hold that amount exactly. Else the voucher is reserved anew."""
    return is_usable(reserved_until, now) and held == amount


def ends_soon(reserved_until: datetime | None, now: datetime) -> bool:
    """Say whether a reservation that holds until ``reserved_until`` has so little left that it is made again."""
    return reserved_until is not None and now >= reserved_until - timedelta(seconds=RENEW_SECONDS)


SEND_WINDOW_SECONDS = 20
"""Later than this after the claim an operation is not sent any more."""

EARLIEST_LOOK_SECONDS, LATEST_LOOK_SECONDS = 30, 3600


def lease_seconds(deadline_seconds: float) -> float:
    """Return how long a sending operation belongs to its worker, where a call takes ``deadline_seconds`` at most."""
    return SEND_WINDOW_SECONDS + deadline_seconds + SEND_WINDOW_SECONDS


def may_begin(now: float, latest: float) -> bool:
    """Say, as the last thing before the socket is written, whether it is not too late to begin."""
    return now <= latest


def after_lease(kind: str) -> Literal["unknown", "succeeded"]:
    """Return the state of an operation whose worker did not come back: unknown, never to be sent again.

    A release books nothing and has no outcome to wait for.
    """
    return "succeeded" if kind == "cancel" else "unknown"


def next_look_at(now: datetime, began_at: datetime) -> datetime:
    """Return when to look again at what began at ``began_at``: soon at first, then ever more seldom, at least every
    hour."""
    age = (now - began_at).total_seconds()
    return now + timedelta(seconds=min(max(age, EARLIEST_LOOK_SECONDS), LATEST_LOOK_SECONDS))


def next_send_at(now: datetime, asked_at: datetime, wait_seconds: float) -> datetime:
    """Return when to send again what was asked for at ``asked_at`` and surely not applied: not before ``wait_seconds``
    are over, but at least every hour."""
    earliest = now + timedelta(seconds=min(wait_seconds, LATEST_LOOK_SECONDS))
    return max(next_look_at(now, asked_at), earliest)
