"""What differs between the two books of one voucher: our operations, and the bookings at the Voucher Cloud.

Both ways, by id: what we booked and they do not show, what they show and we did not book, and what both have but not
alike. What is under way is not judged: neither an operation that is open, nor one that the list may not show yet.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from voucher_payment_gateway.rules.books import Books, DatedBooking, Entry, may_be, may_have_number
from voucher_payment_gateway.rules.evidence import Booking
from voucher_payment_gateway.rules.states import MONEY_KINDS

__all__ = ["Comparison", "DifferenceKind", "Finding", "compare"]

DifferenceKind = Literal[
    "ours_only", "theirs_only", "differs", "refund_by_hand", "hold_left_open", "not_compared"
]


@dataclass(frozen=True)
class Finding:
    """One difference. ``entry`` is what of ours it is about, for a booking that we do not have as far as that can
    be told."""

    kind: DifferenceKind
    remote_id: str
    entry: Entry | None = None
    booking: DatedBooking | None = None


@dataclass
class Comparison:
    """The differences of one voucher, and the remote ids that nobody can judge yet."""

    findings: list[Finding] = field(default_factory=list)
    undecided: set[str] = field(default_factory=set)


def compare(
    entries: Iterable[Entry], bookings: Collection[DatedBooking], *, client_id: str, certain_before: datetime
) -> Comparison:
    """Compare one voucher's operations with all of its bookings.

    ``client_id`` is ours. An operation settled before ``certain_before`` must be in the list, if it booked.
    """
    books = Books([entry for entry in entries if entry.kind in MONEY_KINDS], bookings, client_id)
    result = Comparison()
    for booking in bookings:
        entry = books.by_id.get(booking.id)
        if entry is not None:
            if not agree(entry, booking):
                result.findings.append(Finding("differs", booking.id, entry, booking))
        elif any(may_be(booking, entry) for entry in books.open_entries):
            result.undecided.add(booking.id)
        elif (kind := books.judge(booking)) is not None:
            result.findings.append(Finding(kind, booking.id, books.origin(booking), booking))
    _look_for_ours(books, certain_before, result)
    return result


def agree(entry: Entry, booking: Booking) -> bool:
    """Say whether a booking is as our books have it; an order number that is not shown contradicts nothing."""
    return (
        booking.type == entry.kind
        and booking.amount == entry.amount
        and (not entry.reference or may_have_number(booking, entry.reference))
    )


def _look_for_ours(books: Books, certain_before: datetime, result: Comparison) -> None:
    shown = {booking.id for booking in books.bookings}
    for entry in books.entries:
        if entry.state != "succeeded" or entry.remote_id in shown:
            continue
        if entry.settled_at is None or entry.settled_at < certain_before:
            result.findings.append(Finding("ours_only", entry.remote_id, entry))
        else:
            result.undecided.add(entry.remote_id)
