"""What a background task does, without any task queue: plain JSON in, a small JSON object out.

Each sweep is safe to repeat, and beside others of its kind: operations and mails are leased one at a time. It begins
nothing new after ``SWEEP_SECONDS``; the next sweep goes on.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, time, timedelta
from time import monotonic
from typing import Any

from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.gateway.recovery.settle import deliver_due, remind_due

__all__ = ["SWEEP_SECONDS", "TIME_LIMIT_SECONDS", "deliver", "reconcile", "remind", "settle"]

SWEEP_SECONDS = 240.0
"""After this a sweep begins with no other operation or mail."""

TIME_LIMIT_SECONDS = 900
"""When a task queue may end a sweep. What was begun last has time to end: a mail has its lease of five minutes, ten
calls have theirs. A sweep that is killed earlier loses nothing, but leaves the outcome of its call unknown."""

MAX_DAYS = 366


def settle(limit: int = 100) -> dict[str, int]:
    """Run ``gateway.settle``, and return its report. Raises as that does; nothing was sent then."""
    return asdict(gateway.settle(limit, stop=_after(SWEEP_SECONDS)))


def deliver(limit: int = 100) -> dict[str, int]:
    """Hand over the codes of sold vouchers that are due, and return how many. Raises as ``settle``."""
    return {"delivered": deliver_due(limit, stop=_after(SWEEP_SECONDS))}


def remind(limit: int = 100) -> dict[str, int]:
    """Send the reminders that are due, and return how many. Raises as ``settle``."""
    return {"reminded": remind_due(limit, stop=_after(SWEEP_SECONDS))}


def reconcile(days: int = 1, account: str | None = None) -> dict[str, Any]:
    """Compare the ``days`` days before today with the Voucher Cloud, and return the number of open differences, of
    each kind too. Moves no money.

    ``account`` is the name of a merchant account, "" for the default one; None compares all. Raises ValueError for
    days out of bounds, and as ``gateway.reconcile``: the error of an account after the others were compared and their
    differences stored.
    """
    if type(days) is not int or not 1 <= days <= MAX_DAYS:
        raise ValueError(f"days: give a whole number from 1 to {MAX_DAYS}")
    since, until = _midnight(days), _midnight(0)
    kinds = Counter(row.kind for row in gateway.reconcile(since, until, account=account))
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "differences": kinds.total(),
        "kinds": dict(sorted(kinds.items())),
    }


def _after(seconds: float) -> Callable[[], bool]:
    """Return a ``stop`` that is true once this time has passed."""
    began = monotonic()
    return lambda: monotonic() - began > seconds


def _midnight(days_ago: int) -> datetime:
    """Return the midnight that began a day, also where a day since then has 23 or 25 hours."""
    day = timezone.localdate() - timedelta(days=days_ago)
    return timezone.make_aware(datetime.combine(day, time.min))
