"""Closing a period: only when reconciliation leaves no difference in it unexplained. What changes later is told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.days import local
from voucher_payment_gateway.books.figures import Figures, figures_of
from voucher_payment_gateway.books.ledger import booking_rows
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, retry_on_conflict
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import (
    VoucherClosedPeriod,
    VoucherDifference,
    VoucherGatewayState,
    VoucherOperation,
)
from voucher_payment_gateway.models.conditions import IS_OPEN

__all__ = [
    "Figure",
    "NotClosedError",
    "changed_figures",
    "changed_kinds",
    "check_period",
    "close_period",
    "figures_between",
    "periods_within",
]

CLOCKS_APART = timedelta(hours=3)
"""The Voucher Cloud's clock may differ from ours: a difference so near to the period counts as one in it."""

MAX_ACTOR_LENGTH = 150

LOCK = "closing a period"
"""The row of the state table that is written by who closes a period, and so lets one at a time."""

Progress = Callable[[int, int], None]

Figure = dict[str, Any]
"""``count`` and ``sum`` of the bookings of a kind, the sum as a text."""


class NotClosedError(Exception):
    """The period was not closed; the sentence says why. Nothing was written but what ``reconcile`` found."""


def figures_between(since: datetime, until: datetime) -> Figures:
    """Return the figures of all bookings from ``since`` on and before ``until``, read now."""
    return figures_of(booking_rows(since, until))


def close_period(
    since: datetime, until: datetime, *, actor: str, progress: Progress | None = None
) -> VoucherClosedPeriod:
    """Reconcile the period from ``since`` on and before ``until``, and close it if nothing in it is unexplained.

    Returns its row; that of an earlier call for the same period. Raises NotClosedError where the period has not ended,
    overlaps a closed one, has an operation whose outcome is unknown, or an unexplained difference; ValueError for an
    empty ``actor`` and instants that are not in order; and the errors of ``reconcile``, where not everything could be
    compared. No money moves. Call it outside of a transaction. Of several processes that close overlapping periods at
    once, one does; the others raise NotClosedError.
    """
    if not actor.strip() or len(actor) > MAX_ACTOR_LENGTH:
        raise ValueError(f"actor: give the name of who closes it, up to {MAX_ACTOR_LENGTH} characters.")
    if known := VoucherClosedPeriod.current.filter(since=since, until=until).first():
        return check_period(known)
    _refuse_too_early(until)
    _refuse_overlap(since, until)
    _refuse_open(until)
    differences = gateway.reconcile(since, until, progress=progress)
    unexplained = [row for row in differences if _is_in(row, since, until)]
    if unexplained:
        raise NotClosedError(
            f"{len(unexplained)} differences of this period are not explained: run voucher_reconcile for it, and "
            "explain each. The period is not closed."
        )
    _refuse_open(until)
    return _write(since, until, actor)


def check_period(period: VoucherClosedPeriod) -> VoucherClosedPeriod:
    """Read the figures of a closed period again, and store where they are not what they were. The first time, that is
    logged as an error."""
    figures = figures_between(period.since, period.until)
    now = None if figures.digest == period.digest else figures.as_json()
    if now == period.changed_figures:
        return period
    if now is not None and period.changed_at is None:
        RunningEvents.closed_period_changed.log(period=str(period))
    period.changed_figures = now
    period.changed_at = None if now is None else period.changed_at or timezone.now()
    VoucherClosedPeriod.current.filter(pk=period.pk).update(
        changed_at=period.changed_at, changed_figures=period.changed_figures
    )
    return period


def periods_within(since: datetime, until: datetime) -> list[VoucherClosedPeriod]:
    """Return the closed periods that share an instant with this time span, oldest first."""
    return list(VoucherClosedPeriod.current.filter(since__lt=until, until__gt=since).order_by("since"))


def changed_figures(period: VoucherClosedPeriod) -> list[tuple[str, Figure, Figure]]:
    """Return the name of each figure that is not what it was, as it was and as it is now; empty also where only the
    rows behind the figures have changed."""
    before, now = period.figures, period.changed_figures
    if now is None:
        return []
    nothing = {"count": 0, "sum": "0.00"}
    pairs = [(name, before.get(name, nothing), now.get(name, nothing)) for name in sorted({*before, *now})]
    return [(name, was, is_) for name, was, is_ in pairs if was != is_]


def changed_kinds(period: VoucherClosedPeriod) -> list[str]:
    """Return a text for each figure that is not what it was, such as ``charge EUR: 2, 30.00 → 3, 45.00``."""
    if period.changed_figures is None:
        return []
    changed = [
        f"{name}: {was['count']}, {was['sum']} → {is_['count']}, {is_['sum']}"
        for name, was, is_ in changed_figures(period)
    ]
    return changed or ["the sums are as they were, but their rows are not"]


def _refuse_too_early(until: datetime) -> None:
    lag = timedelta(seconds=gateway_settings().LIST_LAG_SECONDS)
    if until > timezone.now() - lag:
        at = f"{local(until + lag):%Y-%m-%d %H:%M}"
        raise NotClosedError(
            f"The period has not ended, or only just now: it can be closed from {at} on. It is not closed."
        )


def _refuse_overlap(since: datetime, until: datetime) -> None:
    if other := next(iter(periods_within(since, until)), None):
        raise NotClosedError(f"It overlaps the closed period {other}. It is not closed.")


def _refuse_open(until: datetime) -> None:
    """Raise while something that was sent before ``until`` has no outcome: it may be booked in the period."""
    sent = VoucherOperation.current.filter(IS_OPEN, sending_at__lt=until).exclude(state="due")
    if count := sent.count():
        raise NotClosedError(
            f"{count} operations that were sent before its end have no outcome yet: run voucher_settle first. The "
            "period is not closed."
        )


def _is_in(row: VoucherDifference, since: datetime, until: datetime) -> bool:
    """Return whether a difference belongs to the period; one whose time is not known belongs to every period."""
    is_theirs_alone = row.kind in ("theirs_only", "refund_by_hand")
    own = row.operation.settled_at if row.operation is not None and not is_theirs_alone else None
    instants = [instant for instant in (row.booked_at, own) if instant is not None]
    if not instants:
        return True
    return any(since - CLOCKS_APART <= instant < until + CLOCKS_APART for instant in instants)


def _write(since: datetime, until: datetime, actor: str) -> VoucherClosedPeriod:
    figures = figures_between(since, until)
    row = VoucherClosedPeriod(
        since=since,
        until=until,
        figures=figures.as_json(),
        digest=figures.digest,
        closed_at=timezone.now(),
        closed_by=actor.strip(),
    )
    VoucherGatewayState.current.get_or_create(name=LOCK)
    return retry_on_conflict(lambda: _write_alone(row))


def _write_alone(row: VoucherClosedPeriod) -> VoucherClosedPeriod:
    """Write the row, unless another process has closed this period, or one that overlaps it, since it was looked for.

    The update comes first: on PostgreSQL it locks its row, on SQLite the database, until the period is committed. So
    what is read after it has every period that was closed before.
    """
    with atomic_or_conflict():
        VoucherGatewayState.current.filter(name=LOCK).update(value=timezone.now().isoformat())
        same = VoucherClosedPeriod.current.filter(since=row.since, until=row.until)
        known: VoucherClosedPeriod | None = same.first()
        if known is not None:
            return known
        _refuse_overlap(row.since, row.until)
        row.save(force_insert=True)
    return row
