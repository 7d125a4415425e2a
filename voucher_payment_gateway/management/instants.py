"""Instants and periods as options of a command."""

from argparse import ArgumentTypeError
from datetime import date, datetime, time, timedelta

from django.utils import timezone

__all__ = ["day_before", "instant", "last_month"]


def instant(text: str) -> datetime:
    """Return an aware instant. A date means its midnight; without an offset both are in the current time zone."""
    try:
        found = datetime.fromisoformat(text)
        aware = timezone.make_aware(found) if found.tzinfo is None else found
        day_before(aware)  # fails within two days of the first or the last instant
    except (ValueError, OverflowError):
        raise ArgumentTypeError(
            f"{text!r}: give a date such as 2026-11-22, or an instant in ISO 8601"
        ) from None
    return aware


def day_before(until: datetime) -> datetime:
    """Return the first midnight of the day before ``until``, also where that day has 23 or 25 hours."""
    return _midnight(timezone.localtime(until).date() - timedelta(days=1))


def last_month() -> tuple[datetime, datetime]:
    """Return the first instants of the calendar month before this one, and of this one."""
    end = timezone.localdate().replace(day=1)
    return _midnight((end - timedelta(days=1)).replace(day=1)), _midnight(end)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
