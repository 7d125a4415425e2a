"""What a read or an answer proves about an operation.

- Bookings: whether one of a voucher's bookings is an operation whose outcome is unknown.
- References: the order number that is sent with a charge, and the forms in which the API may return it.
- Answers: whether an answer belongs to the call that was made, and whether a late one needs review.

The API's own filters are not trusted: every row that it returns is compared here, exactly.
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
    "late_answer_needs_review",
    "refund_evidence",
]

MIN_PREFIX = 16
"""Minimum length of a truncated order number that counts as ours: a shorter one may be another order's whole number."""

MIN_AMBIGUOUS_PREFIX = 8
"""Minimum length of a truncated order number that is ambiguous: a person decides whether it is ours."""


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
    """``found``: the booking is ours and ``remote_id`` is its id; ``absent``: it is not there yet;
    ``ambiguous``: a person must decide."""

    verdict: Literal["found", "absent", "ambiguous"]
    remote_id: str = ""


ABSENT = Evidence("absent")
AMBIGUOUS = Evidence("ambiguous")


def charge_evidence(
    bookings: Iterable[Booking], *, reference: str, amount: Decimal, ours: Collection[str]
) -> Evidence:
    """Look for the charge of ``amount`` sent with ``reference``. Ids in ``ours`` are recorded already.

    The reference is unique per capture, so two such rows mean that one request was booked twice. A row without an
    order number, or with a truncated one, may belong to another client: a person must decide.
    """
    rows = [row for row in bookings if row.type == "charge" and row.amount == amount and row.id not in ours]
    found = _exactly_one([row.id for row in rows if is_same_number(row.order_number, reference)])
    if found is ABSENT and any(_could_be_ours(row, reference) for row in rows):
        return AMBIGUOUS
    return found


def refund_evidence(
    bookings: Iterable[Booking],
    *,
    amount: Decimal,
    baseline: Collection[str],
    ours: Collection[str],
    reference: str,
    client_id: str,
) -> Evidence:
    """Look for one refund of ``amount`` that is neither in the ``baseline`` nor in ``ours``.

    A refund has no reference of its own. Its order number, where shown, must be ``reference``, that of its charge.
    A row booked by another client than ``client_id`` was refunded by hand: a person must decide. Instants are not
    compared, since clocks differ.
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


def _could_be_ours(row: Booking, reference: str) -> bool:
    return not row.order_number or is_cut_off(row.order_number, reference, shortest=MIN_AMBIGUOUS_PREFIX)


def _exactly_one(ids: list[str]) -> Evidence:
    if not ids:
        return ABSENT
    return Evidence("found", ids[0]) if len(ids) == 1 else AMBIGUOUS


def charge_reference(order_number: str, capture: int, token: str) -> str:
    """Return the order number sent with the ``capture``-th charge of an order.

    It begins with the shop's own order number, so that people find it. The random ``token`` distinguishes it from the
    orders of another shop with the same numbers. It is made once per capture, stored before the call, and kept for
    every retry: an API that enforces uniqueness then rejects a duplicate.
    """
    return f"{order_number}-{capture}.{token}"


def is_same_number(returned: str | None, sent: str) -> bool:
    """Return whether two order numbers are equal, ignoring outer white space, case and Unicode form."""
    return returned is not None and _normalised(returned) == _normalised(sent)


def could_be_number(returned: str, sent: str) -> bool:
    """Return whether an order number is the one that was sent, whole or truncated."""
    return is_same_number(returned, sent) or is_cut_off(returned, sent)


def is_cut_off(returned: str | None, sent: str, *, shortest: int = MIN_PREFIX) -> bool:
    """Return whether an order number is a prefix, at least ``shortest`` long, of the one that was sent."""
    prefix = _normalised(returned or "")
    return len(prefix) >= shortest and _normalised(sent).startswith(prefix)


def _normalised(number: str) -> str:
    return unicodedata.normalize("NFKC", number).strip().casefold()


def is_answer_to_charge(
    *,
    amount: Decimal,
    charged: Decimal,
    voucher_id: str,
    answered_voucher_id: str | None,
    reference: str,
    answered_reference: str | None,
) -> bool:
    """Return whether an answer of ``charged`` belongs to the charge of ``amount``: at least one of voucher and order
    number is in the answer, and those that are there are ours."""
    matches = []
    if answered_voucher_id:
        matches.append(answered_voucher_id == voucher_id)
    if answered_reference:
        matches.append(could_be_number(answered_reference, reference))
    return charged == amount and bool(matches) and all(matches)


def is_answer_to_refund(
    *,
    remote_id: str,
    baseline: Collection[str],
    voucher_id: str,
    answered_voucher_id: str | None,
    reference: str,
    answered_reference: str | None,
) -> bool:
    """Return whether an answer belongs to our refund: its id is not in the ``baseline``, and voucher and order number
    are ours where they are in the answer."""
    same_voucher = answered_voucher_id in (None, voucher_id)
    same_order = not answered_reference or could_be_number(answered_reference, reference)
    return same_voucher and same_order and remote_id not in baseline


def late_answer_needs_review(*, state: str, recorded_id: str, remote_id: str) -> bool:
    """Return whether an answer that came after another worker had decided needs review.

    While the outcome is unknown, ``settle`` will find the booking. Once decided, it must be the recorded one.
    """
    return state != "unknown" and recorded_id != remote_id
