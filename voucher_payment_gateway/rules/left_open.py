"""Which reservations were left open: held, or believed held, for a payment that has no use for them any more.

A reservation cannot be read at the Voucher Cloud, so only our own records tell.
"""

from datetime import datetime, timedelta

__all__ = ["LEFT_OPEN_AFTER_SECONDS", "is_left_open"]

LEFT_OPEN_AFTER_SECONDS = 3600
"""So long a payment may stand as authorized after its reservation is dead: ``settle`` is given time to lapse it."""

ENDED_STATUSES = ("cancelled", "failed")


def is_left_open(status: str, dead_at: datetime | None, *, was_used_up: bool, now: datetime) -> bool:
    """Say whether a payment's newest reservation, surely dead from ``dead_at`` on, was left open.

    ``was_used_up``: a charge of it, or a request to release it, was sent.
    """
    if dead_at is None:
        return False
    if status == "authorized":
        return dead_at + timedelta(seconds=LEFT_OPEN_AFTER_SECONDS) <= now
    return status in ENDED_STATUSES and now < dead_at and not was_used_up
