"""How long a reservation may be used, and from when it is surely dead.

Only our own clock counts, from the moment the answer to the reservation came: the server's clock and ours
are never compared to decide about money. Source of the 30 minutes: Voucher Cloud API 1.8, ``POST /reservations``.
"""

from datetime import datetime, timedelta
from decimal import Decimal

__all__ = [
    "HOLD_SECONDS",
    "RENEW_SECONDS",
    "USE_MARGIN_SECONDS",
    "ends_soon",
    "held_until",
    "is_usable",
    "may_be_charged",
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
