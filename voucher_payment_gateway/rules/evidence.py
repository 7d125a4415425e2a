"""What a read or an answer proves about an operation.

- Bookings: whether one of a voucher's bookings is an operation whose outcome is unknown.
- Bookings of another database: whether this order was charged, or its charge refunded, without our records knowing it.
- References: the order number that is sent with a charge, and the forms in which the API may return it.
- Answers: whether an answer belongs to the call that was made, and whether a late one needs review.

The API's own filters are not trusted: every row that it returns is compared here, exactly.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

__all__ = [
    "MIN_AMBIGUOUS_PREFIX",
    "Booking",
    "Evidence",
    "charge_evidence",
    "charge_reference",
    "charged_elsewhere",
    "could_be_number",
    "is_answer_to_charge",
    "is_answer_to_refund",
    "is_cut_off",
    "is_same_number",
    "late_answer_needs_review",
    "refund_evidence",
    "refunded_elsewhere",
    "refunded_meanwhile",
]

MIN_PREFIX = 16
"""Minimum length of a truncated order number that counts as ours: a shorter one may be another order's whole number."""

MIN_AMBIGUOUS_PREFIX = 8
"""Minimum length of a truncated order number that is ambiguous: a person decides whether it is ours."""


CAPTURE_AND_TOKEN = re.compile(r"-[0-9]+\.[0-9a-f]+")
"""What ``charge_reference`` appends to the order number, or as much of it as an API that truncates leaves."""


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
    ``ambiguous``: a person must decide; ``elsewhere``: it is not there, but the order was charged by ``elsewhere``,
    bookings that our records do not have; ``foreign``: another voucher has the id of the one that was to be created."""

    verdict: Literal["found", "absent", "ambiguous", "elsewhere", "foreign"]
    remote_id: str = ""
    elsewhere: tuple[str, ...] = ()


ABSENT = Evidence("absent")
AMBIGUOUS = Evidence("ambiguous")


def charge_evidence(
    bookings: Iterable[Booking],
    *,
    reference: str,
    amount: Decimal,
    ours: Collection[str],
    kind: Literal["charge", "recharge"] = "charge",
) -> Evidence:
    """Look for the charge, or recharge, of ``amount`` sent with ``reference``. Ids in ``ours`` are recorded already.

    The reference is unique per capture, so two such rows mean that one request was booked twice. A row without an
    order number, or with a truncated one, may belong to another client: a person must decide.
    """
    rows = [row for row in bookings if row.type == kind and row.amount == amount and row.id not in ours]
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


def charged_elsewhere(
    bookings: Iterable[Booking],
    *,
    order_number: str,
    ours: Collection[str],
    references: Collection[str],
    clients: Collection[str],
) -> tuple[str, ...]:
    """Return the ids of the charges of this order that our records do not have: another database that remembers the
    same past made them, such as a copy, or the one that was used before a backup was put back.

    Such a charge has exactly this order's number, with some capture number and a token (``charge_reference``), its id
    is not in ``ours``, and its reference is not in ``references``, those of our operations that are booked or may still
    be. A refund of it changes nothing: a person must know why it was made.

    ``clients`` are our own client ids where they are known. Another client's charge is then that of another shop with
    the same order numbers. Where they are not known (empty), or the row does not name its client, every such charge
    counts: a charge too many takes money that is not owed, while a stop is decided by a person in a minute.
    """
    return tuple(
        row.id
        for row in bookings
        if row.type == "charge"
        and row.id not in ours
        and (not clients or not row.client_id or row.client_id in clients)
        and _is_capture_of(order_number, row.order_number)
        and not any(could_be_number(row.order_number or "", reference) for reference in references)
    )


def refunded_elsewhere(
    bookings: Collection[Booking],
    *,
    charge_id: str,
    reference: str,
    amount: Decimal,
    ours: Callable[[], Collection[str]],
) -> bool:
    """Return whether a refund of ``amount`` would exceed its charge because of refunds that our records do not have.

    It is asked before the first attempt. Such a refund was made by hand, or by another database that remembers the same
    past. One that leaves enough of the charge is no reason to stop: a clerk may have given back another part. A refund
    without an order number counts where the voucher has no other charge. ``ours``, the ids of our own refunds, is
    called only where there are refunds of the charge.
    """
    charges = [row for row in bookings if row.type == "charge"]
    charge = next((row for row in charges if row.id == charge_id), None)
    if charge is None:
        return False
    refunds = [
        row
        for row in bookings
        if row.type == "refund"
        and (could_be_number(row.order_number, reference) if row.order_number else len(charges) == 1)
    ]
    too_much = sum((row.amount for row in refunds), amount) > charge.amount
    return too_much and not {row.id for row in refunds} <= set(ours())


def refunded_meanwhile(
    bookings: Iterable[Booking], *, baseline: Collection[str], ours: Collection[str], reference: str
) -> bool:
    """Return whether there is a refund, of whatever amount, that our records do not have, that came after the
    ``baseline`` and could be of the charge with this ``reference``: made by hand, it may be why ours is refused."""
    return any(
        row.type == "refund"
        and row.id not in baseline
        and row.id not in ours
        and (not row.order_number or could_be_number(row.order_number, reference))
        for row in bookings
    )


def _is_capture_of(order_number: str, returned: str | None) -> bool:
    """Return whether an order number is one that ``charge_reference`` makes for this order, with any token."""
    number, given = _normalised(order_number), _normalised(returned or "")
    return given.startswith(number) and bool(CAPTURE_AND_TOKEN.fullmatch(given, len(number)))


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
