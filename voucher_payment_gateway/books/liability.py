"""The daily snapshot of what the vouchers sold still owe. A day is written once, after it has ended; none is made up.

Counted are vouchers whose whole life is in our ledger: not those that were imported, or that are known by a top-up
alone, and not what another client, such as a till, booked on a voucher.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.utils import timezone

from voucher_payment_gateway.books.days import local, midnight
from voucher_payment_gateway.books.ledger import booking_rows
from voucher_payment_gateway.books.rows import BookingRow
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherLiability,
    VoucherOperation,
    VoucherSale,
)
from voucher_payment_gateway.models.fields import amount_field
from voucher_payment_gateway.models.liability import FIGURES
from voucher_payment_gateway.money import CENT, ZERO

__all__ = [
    "COUNTED",
    "FIGURES",
    "NoSnapshotError",
    "missing_days",
    "neighbours",
    "snapshot_of",
    "take_snapshot",
]

COUNTED = ("sold", "credit", "refund", "bulk")
"""Origins of the sales whose vouchers are counted."""

COLUMNS = {
    "sale": "sold",
    "recharge": "topped_up",
    "charge": "redeemed",
    "refund": "refunded",
    "take_back": "taken_back",
}

MARGIN = timedelta(minutes=15)
"""How long after its end a day is not written yet: a success that was just recorded may not be committed."""

BATCH = 500
"""Maximum of expired vouchers whose balances are read with one statement."""

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

Sums = dict[str, Decimal]


class Group(NamedTuple):
    """What has figures of its own."""

    account: str
    currency: str
    batch: str


class NoSnapshotError(Exception):
    """There is no snapshot of the day, and none was written; the sentence says why."""


def take_snapshot(day: date) -> list[VoucherLiability]:
    """Write the figures of ``day``, by the shop's time zone, unless that was done before; return them.

    A day without any voucher has one row without a currency. Raises NoSnapshotError where the day has not ended, or a
    later one was written: its figures cannot be known any more, since a voucher's validity may have changed.
    """
    if known := snapshot_of(day):
        return known
    start, end = midnight(day), midnight(day + timedelta(days=1))
    if end > timezone.now() - MARGIN:
        at = f"{local(end + MARGIN):%Y-%m-%d %H:%M}"
        raise NoSnapshotError(
            f"{day} has not ended, or only just now: its snapshot can be written from {at} on. None was written."
        )
    previous = VoucherLiability.current.order_by("-day").values_list("day", flat=True).first()
    if previous is not None and previous > day:
        raise NoSnapshotError(
            f"There is no snapshot of {day}, and a later one was written: it cannot be made up."
        )
    figures = _figures(previous, start, end)
    rows = [VoucherLiability(day=day, **group._asdict(), **sums) for group, sums in sorted(figures.items())]
    try:
        with transaction.atomic(using=database()):
            VoucherLiability.current.bulk_create(rows or [VoucherLiability(day=day)])
    except IntegrityError:  # another process was first
        pass
    return snapshot_of(day)


def snapshot_of(day: date) -> list[VoucherLiability]:
    """Return the figures of a day; empty where no snapshot was taken."""
    rows = VoucherLiability.current.filter(day=day)
    return list(rows.order_by("account", "currency", "batch"))


def neighbours(day: date) -> tuple[date | None, date | None]:
    """Return the last day before ``day`` and the first one after it of which there is a snapshot."""
    days = VoucherLiability.current.values_list("day", flat=True)
    return (
        days.filter(day__lt=day).order_by("-day").first(),
        days.filter(day__gt=day).order_by("day").first(),
    )


def missing_days(days: Iterable[date]) -> list[date]:
    """Return the days between the first and the last of ``days`` that are not among them."""
    known = set(days)
    if not known:
        return []
    first, last = min(known), max(known)
    span = (first + timedelta(days=count) for count in range((last - first).days))
    return [day for day in span if day not in known]


def _figures(previous: date | None, start: datetime, end: datetime) -> dict[Group, Sums]:
    """Return the sums of each group: the last snapshot, and what was booked since."""
    figures: dict[Group, Sums] = defaultdict(lambda: dict.fromkeys(FIGURES, ZERO))
    if previous is not None:
        for row in snapshot_of(previous):
            if row.currency:
                figures[Group(row.account, row.currency, row.batch)]["outstanding"] = row.outstanding
    since = midnight(previous + timedelta(days=1)) if previous else BEGINNING
    for booking in booking_rows(since, end):
        if booking.origin in COUNTED:
            _add(figures[Group(booking.account, booking.currency, booking.batch)], booking, start)
    for sale, balance in _expired(end):
        sums = figures[Group(sale.account, sale.currency, sale.batch)]
        sums["breakage"] += balance
        if sale.valid_until is not None and sale.valid_until >= start:
            sums["expired"] += balance
    return figures


def _add(sums: Sums, booking: BookingRow, start: datetime) -> None:
    sums["outstanding"] += booking.change
    if booking.booked_at >= start:
        sums[COLUMNS[booking.kind]] += booking.amount


def _expired(end: datetime) -> Iterator[tuple[VoucherSale, Decimal]]:
    """Yield the counted vouchers that have expired before ``end``, each with what was left on it then. They are read
    each day again: the validity of a voucher can be extended at the Voucher Cloud."""
    sales = VoucherSale.current.filter(
        valid_until__isnull=False, valid_until__lt=end, status="active", origin__in=COUNTED
    )
    sales = sales.only("account", "voucher_id", "currency", "batch", "valid_until").order_by("pk")
    after = 0
    while found := list(sales.filter(pk__gt=after)[:BATCH]):
        balances = _balances({sale.voucher_id for sale in found}, end)
        yield from ((sale, balances[sale.account, sale.voucher_id]) for sale in found)
        after = found[-1].pk


def _balances(vouchers: set[str], end: datetime) -> dict[tuple[str, str], Decimal]:
    """Return what our ledger has left on the vouchers before ``end``, by account and id."""
    balances: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for model in (VoucherOperation, VoucherArchivedOperation):
        for of_payment, of_sale, voucher_id, change in _changes(model, vouchers, end):
            account = of_sale if of_payment is None else of_payment
            balances[account, voucher_id] += change.quantize(CENT)
    return balances


def _changes(model: Any, vouchers: set[str], end: datetime) -> QuerySet[Any, Any]:
    raises = Q(kind__in=("activate", "recharge", "refund"))
    booked = model.current.filter(voucher_id__in=vouchers, state="succeeded", settled_at__lt=end)
    booked = booked.filter(raises | Q(kind="charge")).order_by()
    change = Sum(Case(When(raises, then=F("amount")), default=-F("amount"), output_field=amount_field("")))
    named = booked.values("payment__account", "sale__account", "voucher_id").annotate(change=change)
    rows: QuerySet[Any, Any] = named.values_list("payment__account", "sale__account", "voucher_id", "change")
    return rows
