"""Instants and periods as options of a command."""

from argparse import ArgumentTypeError
from datetime import datetime, timedelta

from django.utils import timezone

from voucher_payment_gateway.books.days import day_of, midnight, today

__all__ = ["day_before", "instant", "last_month"]


def instant(text: str) -> datetime:
    """Return an aware instant. A date means its midnight; without an offset both are in the shop's time zone."""
    try:
        found = datetime.fromisoformat(text)
        aware = timezone.make_aware(found, timezone.get_default_timezone()) if found.tzinfo is None else found
        day_before(aware)  # fails within two days of the first or the last instant
    except (ValueError, OverflowError):
        raise ArgumentTypeError(
            f"{text!r}: give a date such as 2026-11-22, or an instant in ISO 8601"
        ) from None
    return aware


def day_before(until: datetime) -> datetime:
    """Return the first midnight of the day before ``until``, also where that day has 23 or 25 hours."""
    return midnight(day_of(until) - timedelta(days=1))


def last_month() -> tuple[datetime, datetime]:
    """Return the first instants of the calendar month before this one, and of this one."""
    end = today().replace(day=1)
    return midnight((end - timedelta(days=1)).replace(day=1)), midnight(end)
