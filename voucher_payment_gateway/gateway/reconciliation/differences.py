"""Store differences: one row each, reported until it is gone or a person has explained it."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone

from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.models import VoucherDifference
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.signals import payment_needs_review

__all__ = ["Found", "explain", "record"]

logger = logging.getLogger("voucher_payment_gateway")

Key = tuple[str, str, str, str]

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

    ``payment_needs_review`` is sent once for each new or changed difference whose payment is known.
    """
    known = {_key(row): row for row in _rows(found)}
    seen = {_key(row): row for each in found for row in each.rows}
    if not known and not seen:
        return []
    now = timezone.now()
    # Each statement is committed on its own: after a crash the next run completes the work.
    _insert([row for key, row in seen.items() if key not in known], now)
    _update_known([(known[key], row) for key, row in seen.items() if key in known], now)
    _close(found, [row for key, row in known.items() if key not in seen], now)
    _report(_rows(found).filter(first_seen_at=now) if seen.keys() - known.keys() else ())
    return list(_rows(found).filter(gone_at=None, explained_at=None))


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
    return rows.filter(voucher_id__in=[each.voucher_id for each in found], account__in=accounts)


def _insert(rows: list[VoucherDifference], now: datetime) -> None:
    """Insert new differences. One that another run has just inserted is kept."""
    for row in rows:
        row.first_seen_at = row.last_seen_at = now
    if rows:
        VoucherDifference.current.bulk_create(rows, ignore_conflicts=True)


def _update_known(pairs: list[tuple[VoucherDifference, VoucherDifference]], now: datetime) -> None:
    changed = [(row, fresh) for row, fresh in pairs if _values(row) != _values(fresh)]
    for row, fresh in changed:
        changes: dict[str, Any] = {**_values(fresh), "sentence": fresh.sentence, "explained_at": None}
        _update([row], last_seen_at=now, gone_at=None, **changes)
        fresh.pk = row.pk
    _report([fresh for _, fresh in changed])
    _update([row for row, fresh in pairs if _values(row) == _values(fresh)], last_seen_at=now, gone_at=None)


def _values(row: VoucherDifference) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COMPARED_FIELDS}


def _close(found: Sequence[Found], unseen: list[VoucherDifference], now: datetime) -> None:
    """Close differences that were not found again, except on vouchers that could not be read."""
    undecided = {each.voucher: each.undecided for each in found if each.is_read}
    gone = [
        row
        for row in unseen
        if row.gone_at is None
        and (row.account, row.voucher_id) in undecided
        and row.remote_id not in undecided[row.account, row.voucher_id]
    ]
    _update(gone, gone_at=now)


def _update(rows: list[VoucherDifference], **changes: Any) -> None:
    if rows:
        VoucherDifference.current.filter(pk__in=[row.pk for row in rows]).update(**changes)


def _report(rows: Iterable[VoucherDifference]) -> None:
    for row in rows:
        merchant = f" of the account {row.account!r}" if row.account else ""
        logger.error(
            "the ledgers differ: difference %s of voucher %s%s, %s",
            row.pk,
            row.voucher_id,
            merchant,
            row.kind,
        )
        if row.payment is not None:
            announce(payment_needs_review, row.payment, row.amount_theirs or row.amount_ours or ZERO)
