"""What the bookings of a voucher prove about a call whose answer never came.

The remote filter is not believed: whatever it lets through is compared here, exactly and by us.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from voucher_payment_gateway.rules.references import (
    SHORTEST_DOUBT,
    is_cut_off,
    is_same_number,
    may_be_number,
)

__all__ = ["Booking", "Evidence", "charge_evidence", "refund_evidence"]


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
    if found is ABSENT and any(_may_be_ours(row, reference) for row in rows):
        return AMBIGUOUS
    return found


def _may_be_ours(row: Booking, reference: str) -> bool:
    return not row.order_number or is_cut_off(row.order_number, reference, shortest=SHORTEST_DOUBT)


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
        and (not row.order_number or may_be_number(row.order_number, reference))
    ]
    if len(rows) == 1 and client_id and rows[0].client_id and rows[0].client_id != client_id:
        return AMBIGUOUS
    return _exactly_one([row.id for row in rows])


def _exactly_one(ids: list[str]) -> Evidence:
    if not ids:
        return ABSENT
    return Evidence("found", ids[0]) if len(ids) == 1 else AMBIGUOUS
