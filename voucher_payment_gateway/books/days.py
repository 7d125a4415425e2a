"""Days of the books: always by the shop's own time zone (``TIME_ZONE``), whatever time zone a person or a request has
active. So one day has the same bookings for everybody, in each file, period and snapshot.
"""

from datetime import date, datetime, time

from django.utils import timezone

__all__ = ["day_of", "local", "midnight", "today"]


def local(instant: datetime) -> datetime:
    """Return an instant in the shop's time zone."""
    return timezone.localtime(instant, timezone.get_default_timezone())


def day_of(instant: datetime) -> date:
    """Return the day of an instant."""
    return local(instant).date()


def today() -> date:
    """Return the day that it is in the shop."""
    return day_of(timezone.now())


def midnight(day: date) -> datetime:
    """Return the first instant of a day, also where it has 23 or 25 hours."""
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())
