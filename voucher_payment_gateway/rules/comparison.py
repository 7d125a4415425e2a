"""Compare our operations with the bookings at the Voucher Cloud: the two ledgers of one voucher.

Bookings are matched by id, both ways: found in ours only, found in theirs only, or found in both and not equal. An
operation in flight is not judged, nor is one so recent that the list may not show it yet. ``is_left_open`` adds the
reservations that were never ended.
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

DifferenceKind = Literal[
    "ours_only",
    "theirs_only",
    "differs",
    "refund_by_hand",
    "hold_left_open",
    "not_compared",
    "order_gone",
    "order_cancelled",
    "order_overpaid",
    "voucher_gone",
    "voucher_status",
]

LEFT_OPEN_AFTER_SECONDS = 3600
"""Time that ``settle`` has to lapse a payment after its reservation expired, before that is a difference."""

ENDED_STATUSES = ("cancelled", "failed")


class DatedBooking(Booking, Protocol):
    """A booking with its instant by the clock of the Voucher Cloud; it is compared only with other such instants."""

    @property
    def created_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class OurEntry:
    """An operation in our ledger. Only kinds that book are compared."""

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
    """Of an open refund: ids of the refunds that existed before it."""


@dataclass(frozen=True)
class Finding:
    """One difference. ``entry`` is our operation; for a booking that we do not have, the one it most likely belongs
    to."""

    kind: DifferenceKind
    remote_id: str
    entry: OurEntry | None = None
    booking: DatedBooking | None = None


@dataclass
class Comparison:
    """The differences of one voucher, and the remote ids that cannot be judged yet."""

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
    ledgers = Ledgers([entry for entry in entries if entry.kind in MONEY_KINDS], bookings, client_id)
    result = Comparison()
    for booking in bookings:
        entry = ledgers.by_id.get(booking.id)
        if entry is not None:
            if not agree(entry, booking):
                result.findings.append(Finding("differs", booking.id, entry, booking))
        elif any(could_be(booking, entry) for entry in ledgers.open_entries):
            result.undecided.add(booking.id)
        elif (kind := ledgers.judge(booking)) is not None:
            result.findings.append(Finding(kind, booking.id, ledgers.origin(booking), booking))
    _find_unbooked(ledgers, certain_before, result)
    return result


def agree(entry: OurEntry, booking: Booking) -> bool:
    """Return whether a booking equals our entry; an order number that is not shown contradicts nothing."""
    return (
        booking.type == entry.kind
        and booking.amount == entry.amount
        and (not entry.reference or could_have_number(booking, entry.reference))
    )


class Ledgers:
    """Both ledgers of one voucher; they tell whose a booking is that no operation has."""

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
        self._foreign_refunds = self._refunds_of_foreign_charges()

    def judge(self, booking: DatedBooking) -> Literal["theirs_only", "refund_by_hand"] | None:
        """Return the difference that a booking without an operation is; None where another client rightly booked it."""
        if not self._is_ours(booking) and not self._could_refund_our_charge(booking):
            return None
        by_hand = booking.type == "refund" and booking.client_id not in self._own_clients
        return "refund_by_hand" if by_hand else "theirs_only"

    def origin(self, booking: DatedBooking) -> OurEntry | None:
        """Return the operation that such a booking comes from or belongs to, if all candidates are of one payment."""
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
        refunds.sort(key=lambda entry: entry.state != "manual")  # one that needs review first
        numbered = self.by_number.get(booking.order_number or "")
        return _of_one_payment(refunds) or _of_one_payment(charges) or numbered

    def _is_ours(self, booking: DatedBooking) -> bool:
        return (
            booking.id in self.by_id
            or (booking.order_number or "") in self.by_number
            or booking.client_id in self._own_clients
        )

    def _could_refund_our_charge(self, booking: DatedBooking) -> bool:
        """Return whether a refund without order number could be of a charge of ours: the API does not name it."""
        return (
            booking.type == "refund"
            and not booking.order_number
            and booking.id not in self._foreign_refunds
            and any(charge.amount >= booking.amount for charge in self._our_charges)
        )

    def _refunds_of_foreign_charges(self) -> set[str]:
        """Return the refunds by other clients that those clients' own charges of the voucher cover, oldest first."""
        foreign = [row for row in self.bookings if not self._is_ours(row)]
        left: dict[str | None, Decimal] = {}
        for row in foreign:
            if row.type == "charge":
                left[row.client_id] = left.get(row.client_id, Decimal()) + row.amount
        covered = set()
        for row in sorted((row for row in foreign if row.type == "refund"), key=_by_age):
            if row.amount <= left.get(row.client_id, Decimal()):
                left[row.client_id] -= row.amount
                covered.add(row.id)
        return covered


def _find_unbooked(ledgers: Ledgers, certain_before: datetime, result: Comparison) -> None:
    shown = {booking.id for booking in ledgers.bookings}
    for entry in ledgers.entries:
        if entry.state != "succeeded" or entry.remote_id in shown:
            continue
        if entry.settled_at is None or entry.settled_at < certain_before:
            result.findings.append(Finding("ours_only", entry.remote_id, entry))
        else:
            result.undecided.add(entry.remote_id)


def could_be(booking: Booking, entry: OurEntry) -> bool:
    """Return whether a booking could be the result of an operation."""
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
    """Return whether a booking's order number, where it is shown, does not contradict ``reference``."""
    return not booking.order_number or could_be_number(booking.order_number, reference)


def _of_one_payment(entries: list[OurEntry]) -> OurEntry | None:
    return entries[0] if len({entry.payment_id for entry in entries}) == 1 else None


def _by_age(booking: DatedBooking) -> tuple[str, str]:
    return (booking.created_at.isoformat() if booking.created_at else "", booking.id)


def is_left_open(status: str, expired_at: datetime | None, *, was_used_up: bool, now: datetime) -> bool:
    """Return whether a payment's newest reservation, certainly expired from ``expired_at`` on, was left open.

    ``was_used_up``: a charge of it, or a request to release it, was sent.
    """
    if expired_at is None:
        return False
    if status == "authorized":
        return expired_at + timedelta(seconds=LEFT_OPEN_AFTER_SECONDS) <= now
    return status in ENDED_STATUSES and now < expired_at and not was_used_up
