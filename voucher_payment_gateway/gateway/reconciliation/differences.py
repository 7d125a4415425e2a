"""Remembering differences: each once, told until it is gone or a person has explained it."""

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

Key = tuple[str, str, str]

FACTS = ("amount_ours", "amount_theirs", "booking_type", "reference")
"""What a difference is about: one of which any of these changes has to be explained anew."""

LONGEST_ACTOR = 150


@dataclass(frozen=True)
class Found:
    """What a comparison of one voucher found. ``is_read`` is false where its bookings could not be read."""

    voucher_id: str
    rows: list[VoucherDifference] = field(default_factory=list)
    undecided: Collection[str] = ()
    """Remote ids that nobody can judge yet: what was told of them before stays as it is."""
    is_read: bool = False


def record(found: Sequence[Found]) -> list[VoucherDifference]:
    """Write down what was found, close what is gone, and return what is open of these vouchers, grouped by them.

    ``payment_needs_review`` is sent once for each new difference, or changed one, whose payment is known.
    """
    known = {_key(row): row for row in _rows(found)}
    seen = {_key(row): row for each in found for row in each.rows}
    if not known and not seen:
        return []
    now = timezone.now()
    # Each statement stands alone, in autocommit: what a crash leaves undone the next run does.
    _insert([row for key, row in seen.items() if key not in known], now)
    _see_again([(known[key], row) for key, row in seen.items() if key in known], now)
    _close(found, [row for key, row in known.items() if key not in seen], now)
    _tell(_rows(found).filter(first_seen_at=now) if seen.keys() - known.keys() else ())
    return list(_rows(found).filter(gone_at=None, explained_at=None))


def explain(difference: VoucherDifference, explanation: str, *, actor: str) -> VoucherDifference:
    """Note why a difference is right as it is; it is not told again unless it changes.

    An earlier explanation is kept in front of the new one. Raises ValueError where ``explanation`` or ``actor`` is
    empty, and for an actor of more than 150 characters; nothing is written then.
    """
    said, by = explanation.strip(), actor.strip()
    if not said:
        raise ValueError("explanation: say in a sentence why the difference is right.")
    if not by or len(by) > LONGEST_ACTOR:
        raise ValueError(f"actor: give the name of who explains it, up to {LONGEST_ACTOR} characters.")
    now = timezone.now()
    line = f"{now.isoformat(timespec='seconds')} {by}: {said}\n"
    VoucherDifference.current.filter(pk=difference.pk).update(
        explained_at=now, explained_by=by, explanation=Concat(F("explanation"), Value(line))
    )
    difference.refresh_from_db()
    return difference


def _key(row: VoucherDifference) -> Key:
    return row.voucher_id, row.kind, row.remote_id


def _rows(found: Sequence[Found]) -> QuerySet[VoucherDifference]:
    rows = VoucherDifference.current.select_related("payment")
    return rows.filter(voucher_id__in=[each.voucher_id for each in found])


def _insert(rows: list[VoucherDifference], now: datetime) -> None:
    """Write new ones; where another run has just written the same, that one stands."""
    for row in rows:
        row.first_seen_at = row.last_seen_at = now
    if rows:
        VoucherDifference.current.bulk_create(rows, ignore_conflicts=True)


def _see_again(pairs: list[tuple[VoucherDifference, VoucherDifference]], now: datetime) -> None:
    changed = [(row, fresh) for row, fresh in pairs if _facts(row) != _facts(fresh)]
    for row, fresh in changed:
        changes: dict[str, Any] = {**_facts(fresh), "sentence": fresh.sentence, "explained_at": None}
        _update([row], last_seen_at=now, gone_at=None, **changes)
        fresh.pk = row.pk
    _tell([fresh for _, fresh in changed])
    _update([row for row, fresh in pairs if _facts(row) == _facts(fresh)], last_seen_at=now, gone_at=None)


def _facts(row: VoucherDifference) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FACTS}


def _close(found: Sequence[Found], unseen: list[VoucherDifference], now: datetime) -> None:
    """Close what is not there any more; a voucher that could not be read closes nothing."""
    undecided = {each.voucher_id: each.undecided for each in found if each.is_read}
    gone = [
        row
        for row in unseen
        if row.gone_at is None
        and row.voucher_id in undecided
        and row.remote_id not in undecided[row.voucher_id]
    ]
    _update(gone, gone_at=now)


def _update(rows: list[VoucherDifference], **changes: Any) -> None:
    if rows:
        same = VoucherDifference.current.filter(pk__in=[row.pk for row in rows])
        same.update(**changes)


def _tell(rows: Iterable[VoucherDifference]) -> None:
    for row in rows:
        logger.error("the books differ: difference %s of voucher %s, %s", row.pk, row.voucher_id, row.kind)
        if row.payment is not None:
            announce(payment_needs_review, row.payment, row.amount_theirs or row.amount_ours or ZERO)
