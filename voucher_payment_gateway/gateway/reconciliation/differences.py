"""Store differences: one row each, reported until it is gone or a person has explained it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone

from voucher_payment_gateway.gateway.records.announce import announce, announce_sale
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import VoucherDifference
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.signals import payment_needs_review, voucher_needs_review
from voucher_payment_gateway.telemetry import verb

__all__ = ["ORDER_KINDS", "Found", "explain", "open_of_orders", "record", "record_orders"]

Key = tuple[str, str, str, str]

ORDER_KINDS = ("order_gone", "order_cancelled", "order_overpaid")

COMPARED_FIELDS = ("amount_ours", "amount_theirs", "booking_type", "reference")
"""When one of these fields changes, an earlier explanation is void."""

MAX_ACTOR_LENGTH = 150


@dataclass(frozen=True)
class Found:
    """The differences found on one voucher. ``is_read`` is false where its bookings could not be read."""

    voucher_id: str
    rows: list[VoucherDifference] = field(default_factory=list)
    undecided: Collection[str] = ()
    """Remote ids that cannot be judged yet: their earlier differences stay as they are."""
    is_read: bool = False
    account: str = ""

    @property
    def voucher(self) -> tuple[str, str]:
        """The account and the id, which together name the voucher."""
        return self.account, self.voucher_id


def record(found: Sequence[Found]) -> list[VoucherDifference]:
    """Store the differences found, close those that are gone, and return the open ones of these vouchers, grouped by
    voucher.

    ``payment_needs_review`` or ``voucher_needs_review`` is sent once for each new or changed difference whose payment
    or sale is known.
    """
    undecided = {each.voucher: each.undecided for each in found if each.is_read}

    def is_gone(row: VoucherDifference) -> bool:
        voucher = row.account, row.voucher_id
        return voucher in undecided and row.remote_id not in undecided[voucher]

    stored, rows = list(_rows(found)), [row for each in found for row in each.rows]
    if not stored and not rows:
        return []
    _store(stored, rows, is_gone)
    return list(_rows(found).filter(gone_at=None, explained_at=None))


def record_orders(
    numbers: Collection[str], rows: Sequence[VoucherDifference], *, undecided: Collection[str]
) -> None:
    """Store the differences found on the orders of these numbers, and close those that are gone, except of orders that
    cannot be judged yet."""
    stored = VoucherDifference.current.select_related("payment")
    known = stored.filter(kind__in=ORDER_KINDS, order_number__in=numbers)
    _store(list(known), rows, lambda row: row.order_number not in undecided)


def open_of_orders(account: str | None) -> list[VoucherDifference]:
    """Return the open differences of orders; with ``account`` only those of its vouchers."""
    rows = VoucherDifference.current.select_related("payment").filter(kind__in=ORDER_KINDS)
    rows = rows if account is None else rows.filter(account=account)
    return list(rows.filter(gone_at=None, explained_at=None))


def _store(
    stored: Sequence[VoucherDifference],
    rows: Sequence[VoucherDifference],
    is_gone: Callable[[VoucherDifference], bool],
) -> None:
    """Each statement is committed on its own: after a crash the next run completes the work."""
    known, seen = ({_key(row): row for row in each} for each in (stored, rows))
    now = timezone.now()
    new = [row for key, row in seen.items() if key not in known]
    _insert(new, now)
    _update_known([(known[key], row) for key, row in seen.items() if key in known], now)
    unseen = [row for key, row in known.items() if key not in seen and row.gone_at is None]
    _update(list(filter(is_gone, unseen)), gone_at=now)
    if new:
        inserted = VoucherDifference.current.select_related("payment", "sale").filter(first_seen_at=now)
        _report(inserted.filter(voucher_id__in={row.voucher_id for row in new}))


@verb
def explain(difference: VoucherDifference, explanation: str, *, actor: str) -> VoucherDifference:
    """Record why a difference is correct; it is not reported again unless it changes.

    An earlier explanation is kept in front of the new one. Raises ValueError where ``explanation`` or ``actor`` is
    empty, and for an actor of more than 150 characters; nothing is written then.
    """
    text, by = explanation.strip(), actor.strip()
    if not text:
        raise ValueError("explanation: say in a sentence why the difference is right.")
    if not by or len(by) > MAX_ACTOR_LENGTH:
        raise ValueError(f"actor: give the name of who explains it, up to {MAX_ACTOR_LENGTH} characters.")
    now = timezone.now()
    line = f"{now.isoformat(timespec='seconds')} {by}: {text}\n"
    VoucherDifference.current.filter(pk=difference.pk).update(
        explained_at=now, explained_by=by, explanation=Concat(F("explanation"), Value(line))
    )
    difference.refresh_from_db()
    return difference


def _key(row: VoucherDifference) -> Key:
    return row.account, row.voucher_id, row.kind, row.remote_id


def _rows(found: Sequence[Found]) -> QuerySet[VoucherDifference]:
    rows = VoucherDifference.current.select_related("payment")
    accounts = {each.account for each in found}
    rows = rows.filter(voucher_id__in=[each.voucher_id for each in found], account__in=accounts)
    return rows.exclude(kind__in=ORDER_KINDS)


def _insert(rows: list[VoucherDifference], now: datetime) -> None:
    """Insert new differences. One that another run has just inserted is kept."""
    for row in rows:
        row.first_seen_at = row.last_seen_at = now
    if rows:
        VoucherDifference.current.bulk_create(rows, ignore_conflicts=True)


def _update_known(pairs: list[tuple[VoucherDifference, VoucherDifference]], now: datetime) -> None:
    """Update what was found again; what has another amount now, or was gone, is told as if it were new."""
    changed = [(row, fresh) for row, fresh in pairs if _is_news(row, fresh)]
    for row, fresh in changed:
        changes: dict[str, Any] = {**_values(fresh), "sentence": fresh.sentence, "explained_at": None}
        _update([row], last_seen_at=now, gone_at=None, **changes)
        fresh.pk = row.pk
    _report([fresh for _, fresh in changed])
    _update([row for row, fresh in pairs if not _is_news(row, fresh)], last_seen_at=now)


def _is_news(row: VoucherDifference, fresh: VoucherDifference) -> bool:
    return row.gone_at is not None or _values(row) != _values(fresh)


def _values(row: VoucherDifference) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COMPARED_FIELDS}


def _update(rows: list[VoucherDifference], **changes: Any) -> None:
    if rows:
        VoucherDifference.current.filter(pk__in=[row.pk for row in rows]).update(**changes)


def _report(rows: Iterable[VoucherDifference]) -> None:
    for row in rows:
        RunningEvents.ledgers_differ.log(
            difference=row.pk,
            kind=row.kind,
            voucher_id=row.voucher_id,
            account=row.account,
            order_number=row.order_number,
            amount_ours=row.amount_ours,
            amount_theirs=row.amount_theirs,
            currency=row.currency,
        )
        if row.payment is not None:
            announce(payment_needs_review, row.payment, row.amount_theirs or row.amount_ours or ZERO)
        elif row.sale is not None:
            announce_sale(voucher_needs_review, row.sale, row.amount_theirs or row.amount_ours or ZERO)
