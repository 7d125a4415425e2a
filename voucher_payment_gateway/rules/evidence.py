"""What the bookings of a voucher prove about a call whose answer never came.

The remote filter is not believed: whatever it lets through is compared here, exactly and by us.
"""

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

__all__ = [
    "MIN_AMBIGUOUS_PREFIX",
    "Booking",
    "Evidence",
    "charge_evidence",
    "charge_reference",
    "could_be_number",
    "is_answer_to_charge",
    "is_answer_to_refund",
    "is_cut_off",
    "is_same_number",
    "needs_review",
    "refund_evidence",
]


class Booking(Protocol):
    """A row of the remote list: a charge, a refund or a recharge."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def order_number(self) -> str | None: ...
    @property
    def client_id(self) -> str | None: ...


@dataclass(frozen=True)
class Evidence:
    """``found``: the booking is ours and ``remote_id`` is its id; ``absent``: none is there yet;
    ``ambiguous``: a person must decide."""

    verdict: Literal["found", "absent", "ambiguous"]
    remote_id: str = ""


ABSENT = Evidence("absent")
AMBIGUOUS = Evidence("ambiguous")


def charge_evidence(
    bookings: Iterable[Booking], *, reference: str, amount: Decimal, ours: Collection[str]
) -> Evidence:
    """Look for the charge sent with ``reference`` over ``amount`` whose id is not in ``ours``.

    The reference is unique per capture, so two such rows mean that one request was booked twice. A row that
    shows no number, or only the beginning of ours, may be another's: a person must decide.
    """
    rows = [row for row in bookings if row.type == "charge" and row.amount == amount and row.id not in ours]
    found = _exactly_one([row.id for row in rows if is_same_number(row.order_number, reference)])
    if found is ABSENT and any(_could_be_ours(row, reference) for row in rows):
        return AMBIGUOUS
    return found


def _could_be_ours(row: Booking, reference: str) -> bool:
    return not row.order_number or is_cut_off(row.order_number, reference, shortest=MIN_AMBIGUOUS_PREFIX)


def refund_evidence(
    bookings: Iterable[Booking],
    *,
    amount: Decimal,
    baseline: Collection[str],
    ours: Collection[str],
    reference: str,
    client_id: str,
) -> Evidence:
    """Look for one refund of ``amount`` that was not there at the ``baseline`` and is not in ``ours``.

    A refund carries no reference of its own. Where its order number is given it must be ``reference``, that of
    the charge. A row booked by another client than ``client_id`` is somebody's hand: a person must decide.
    Instants are never compared, since clocks differ.
    """
    rows = [
        row
        for row in bookings
        if row.type == "refund"
        and row.amount == amount
        and row.id not in baseline
        and row.id not in ours
        and (not row.order_number or could_be_number(row.order_number, reference))
    ]
    if len(rows) == 1 and client_id and rows[0].client_id and rows[0].client_id != client_id:
        return AMBIGUOUS
    return _exactly_one([row.id for row in rows])


def _exactly_one(ids: list[str]) -> Evidence:
    if not ids:
        return ABSENT
    return Evidence("found", ids[0]) if len(ids) == 1 else AMBIGUOUS


MIN_PREFIX = 16
"""A shorter beginning of our number may be somebody else's whole number: it is not taken for ours."""

MIN_AMBIGUOUS_PREFIX = 8
"""From this length on it is not taken for somebody else's either: a person decides."""


def charge_reference(order_number: str, capture: int, token: str) -> str:
    """Return the number sent with the ``capture``-th charge of an order.

    It begins with the shop's own, so that people find it. The random ``token`` keeps it apart from those of another
    shop that numbers its orders alike, and from an order that is really named so. It is made once per capture, written
    down before the call, and kept for every repetition: a remote that enforces uniqueness then protects us.
    """
    return f"{order_number}-{capture}.{token}"


def is_same_number(told: str | None, sent: str) -> bool:
    """Say whether a number is the one that was sent, but for outer blanks, case and the form of its letters."""
    return told is not None and _plain(told) == _plain(sent)


def could_be_number(told: str, sent: str) -> bool:
    """Say whether a number does not contradict the one that was sent."""
    return is_same_number(told, sent) or is_cut_off(told, sent)


def is_cut_off(told: str | None, sent: str, *, shortest: int = MIN_PREFIX) -> bool:
    """Say whether a number may be the beginning, of this length at least, of the one that was sent."""
    beginning = _plain(told or "")
    return len(beginning) >= shortest and _plain(sent).startswith(beginning)


def _plain(number: str) -> str:
    return unicodedata.normalize("NFKC", number).strip().casefold()


def is_answer_to_charge(
    *,
    amount: Decimal,
    charged: Decimal,
    voucher_id: str,
    told_voucher_id: str | None,
    reference: str,
    told_reference: str | None,
) -> bool:
    """Say whether an answer that tells of ``charged`` is about the charge of ``amount``: voucher and order number
    are ours where they are told, and at least one of them is."""
    told = []
    if told_voucher_id:
        told.append(told_voucher_id == voucher_id)
    if told_reference:
        told.append(could_be_number(told_reference, reference))
    return charged == amount and bool(told) and all(told)


def is_answer_to_refund(
    *,
    remote_id: str,
    baseline: Collection[str],
    voucher_id: str,
    told_voucher_id: str | None,
    reference: str,
    told_reference: str | None,
) -> bool:
    """Say whether an answer is about our refund: its id is not one of the ``baseline``, and voucher and order number
    are ours where they are told."""
    same_voucher = told_voucher_id in (None, voucher_id)
    same_order = not told_reference or could_be_number(told_reference, reference)
    return same_voucher and same_order and remote_id not in baseline


def needs_review(*, state: str, recorded_id: str, remote_id: str) -> bool:
    """Say whether a person must look at an answer that came when another worker had decided.

    While the outcome is unknown the booking will be found; once it is decided it must be the one that is recorded.
    """
    return state != "unknown" and recorded_id != remote_id
