"""What differs between the two books of one voucher: our operations, and the bookings at the Voucher Cloud.

Both ways, by id: what we booked and they do not show, what they show and we did not book, and what both have but not
alike. What is under way is not judged: neither an operation that is open, nor one that the list may not show yet.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol

from voucher_payment_gateway.rules.evidence import Booking, could_be_number, is_same_number
from voucher_payment_gateway.rules.states import MONEY_KINDS, OPEN_STATES

__all__ = [
    "LEFT_OPEN_AFTER_SECONDS",
    "Comparison",
    "DatedBooking",
    "DifferenceKind",
    "Finding",
    "Ledgers",
    "OurEntry",
    "compare",
    "could_be",
    "could_have_number",
    "is_left_open",
]


class DatedBooking(Booking, Protocol):
    """A booking with its instant by the clock of the Voucher Cloud, which is compared with itself alone."""

    @property
    def created_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class OurEntry:
    """An operation as our books have it. Only those that book are compared."""

    id: int
    kind: str
    state: str
    amount: Decimal
    payment_id: int | None = None
    reference: str = ""
    """The order number that was sent; of a refund, that of its charge."""
    remote_id: str = ""
    settled_at: datetime | None = None
    baseline: Collection[str] = ()
    """Of an open refund: the refunds that were there before, which are not it."""


class Ledgers:
    """The two books of one voucher, and whose a booking is that no operation has."""

    def __init__(self, entries: list[OurEntry], bookings: Collection[DatedBooking], client_id: str) -> None:
        self.entries, self.bookings = entries, bookings
        self.open_entries = [entry for entry in entries if entry.state in OPEN_STATES]
        self.by_id = {entry.remote_id: entry for entry in entries if entry.remote_id}
        self.by_number = {
            entry.reference: entry for entry in entries if entry.kind != "refund" and entry.reference
        }
        self._own_clients = {client_id} | {
            row.client_id
            for row in bookings
            if row.type == "charge" and row.id in self.by_id and row.client_id
        }
        self._our_charges = [row for row in bookings if row.type == "charge" and self._is_ours(row)]
        self._refunded_by_those_who_charged = self._refunds_of_their_own_charges()

    def judge(self, booking: DatedBooking) -> Literal["theirs_only", "refund_by_hand"] | None:
        """Say what a booking is that no operation has; None: somebody else's, and right."""
        if not self._is_ours(booking) and not self._may_refund_a_charge_of_ours(booking):
            return None
        by_hand = booking.type == "refund" and booking.client_id not in self._own_clients
        return "refund_by_hand" if by_hand else "theirs_only"

    def origin(self, booking: DatedBooking) -> OurEntry | None:
        """Return the operation that such a booking comes from or belongs to, where all that fit are of one payment."""
        if booking.type != "refund":
            return self.by_number.get(booking.order_number or "")
        refunds = [entry for entry in self.entries if entry.kind == "refund" and could_be(booking, entry)]
        charges = [
            entry
            for entry in self.entries
            if entry.kind == "charge"
            and entry.amount >= booking.amount
            and entry.state in ("succeeded", "manual")
            and could_have_number(booking, entry.reference)
        ]
        refunds.sort(key=lambda entry: entry.state != "manual")  # one that waits for a person, first
        numbered = self.by_number.get(booking.order_number or "")
        return _of_one_payment(refunds) or _of_one_payment(charges) or numbered

    def _is_ours(self, booking: DatedBooking) -> bool:
        return (
            booking.id in self.by_id
            or (booking.order_number or "") in self.by_number
            or booking.client_id in self._own_clients
        )

    def _may_refund_a_charge_of_ours(self, booking: DatedBooking) -> bool:
        """Whether a refund without order number may give back a charge of ours: the API does not say which it is."""
        return (
            booking.type == "refund"
            and not booking.order_number
            and booking.id not in self._refunded_by_those_who_charged
            and any(charge.amount >= booking.amount for charge in self._our_charges)
        )

    def _refunds_of_their_own_charges(self) -> set[str]:
        """Return the refunds by other clients that their own charges of the voucher account for, oldest first."""
        theirs = [row for row in self.bookings if not self._is_ours(row)]
        left: dict[str | None, Decimal] = {}
        for row in theirs:
            if row.type == "charge":
                left[row.client_id] = left.get(row.client_id, Decimal()) + row.amount
        accounted = set()
        for row in sorted((row for row in theirs if row.type == "refund"), key=_when):
            if row.amount <= left.get(row.client_id, Decimal()):
                left[row.client_id] -= row.amount
                accounted.add(row.id)
        return accounted


def could_be(booking: Booking, entry: OurEntry) -> bool:
    """Say whether a booking may be what an operation was sent for."""
    if booking.type != entry.kind:
        return False
    if entry.kind != "refund":
        return is_same_number(booking.order_number, entry.reference)
    return (
        booking.amount == entry.amount
        and booking.id not in entry.baseline
        and could_have_number(booking, entry.reference)
    )


def could_have_number(booking: Booking, reference: str) -> bool:
    return not booking.order_number or could_be_number(booking.order_number, reference)


def _of_one_payment(entries: list[OurEntry]) -> OurEntry | None:
    return entries[0] if len({entry.payment_id for entry in entries}) == 1 else None


def _when(booking: DatedBooking) -> tuple[str, str]:
    return (booking.created_at.isoformat() if booking.created_at else "", booking.id)


DifferenceKind = Literal[
    "ours_only", "theirs_only", "differs", "refund_by_hand", "hold_left_open", "not_compared"
]


@dataclass(frozen=True)
class Finding:
    """One difference. ``entry`` is what of ours it is about, for a booking that we do not have as far as that can
    be told."""

    kind: DifferenceKind
    remote_id: str
    entry: OurEntry | None = None
    booking: DatedBooking | None = None


@dataclass
class Comparison:
    """The differences of one voucher, and the remote ids that nobody can judge yet."""

    findings: list[Finding] = field(default_factory=list)
    undecided: set[str] = field(default_factory=set)


def compare(
    entries: Iterable[OurEntry],
    bookings: Collection[DatedBooking],
    *,
    client_id: str,
    certain_before: datetime,
) -> Comparison:
    """Compare one voucher's operations with all of its bookings.

    ``client_id`` is ours. An operation settled before ``certain_before`` must be in the list, if it booked.
    """
    books = Ledgers([entry for entry in entries if entry.kind in MONEY_KINDS], bookings, client_id)
    result = Comparison()
    for booking in bookings:
        entry = books.by_id.get(booking.id)
        if entry is not None:
            if not agree(entry, booking):
                result.findings.append(Finding("differs", booking.id, entry, booking))
        elif any(could_be(booking, entry) for entry in books.open_entries):
            result.undecided.add(booking.id)
        elif (kind := books.judge(booking)) is not None:
            result.findings.append(Finding(kind, booking.id, books.origin(booking), booking))
    _look_for_ours(books, certain_before, result)
    return result


def agree(entry: OurEntry, booking: Booking) -> bool:
    """Say whether a booking is as our books have it; an order number that is not shown contradicts nothing."""
    return (
        booking.type == entry.kind
        and booking.amount == entry.amount
        and (not entry.reference or could_have_number(booking, entry.reference))
    )


def _look_for_ours(books: Ledgers, certain_before: datetime, result: Comparison) -> None:
    shown = {booking.id for booking in books.bookings}
    for entry in books.entries:
        if entry.state != "succeeded" or entry.remote_id in shown:
            continue
        if entry.settled_at is None or entry.settled_at < certain_before:
            result.findings.append(Finding("ours_only", entry.remote_id, entry))
        else:
            result.undecided.add(entry.remote_id)


LEFT_OPEN_AFTER_SECONDS = 3600
"""So long a payment may stand as authorized after its reservation is dead: ``settle`` is given time to lapse it."""

ENDED_STATUSES = ("cancelled", "failed")


def is_left_open(status: str, dead_at: datetime | None, *, was_used_up: bool, now: datetime) -> bool:
    """Say whether a payment's newest reservation, surely dead from ``dead_at`` on, was left open.

    ``was_used_up``: a charge of it, or a request to release it, was sent.
    """
    if dead_at is None:
        return False
    if status == "authorized":
        return dead_at + timedelta(seconds=LEFT_OPEN_AFTER_SECONDS) <= now
    return status in ENDED_STATUSES and now < dead_at and not was_used_up
