"""The sale of a voucher: its statuses, and the next step that brings it to where the shop wants it.

    ordered ──▶ issued ──▶ active
       │          │          │
       └──────────┴──────────┴──▶ taken_back
    ordered ──▶ failed        (the Voucher Cloud refused to create it)

``target`` is the status that the shop wants. ``settle`` brings a sale there, one operation at a time, so it does not
matter how often an event comes, or after which step a process dies.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from voucher_payment_gateway.rules.evidence import Booking

__all__ = [
    "ENDED_SALES",
    "REPEATABLE_KINDS",
    "SaleStatus",
    "SaleTarget",
    "StepKind",
    "bookings_are_final_from",
    "end_of_unwritten",
    "is_unpaid_too_long",
    "is_whole",
    "matched_by_key",
    "may_change",
    "may_follow",
    "needs_recipient",
    "next_step",
    "spent_amount",
    "stays_inactive_from",
    "target_after",
    "was_taken_back",
]

SaleStatus = Literal["ordered", "issued", "active", "taken_back", "failed"]
SaleTarget = Literal["issued", "active", "taken_back"]
StepKind = Literal["issue", "activate", "deactivate"]

ENDED_SALES: Final = ("taken_back", "failed")
"""Nothing is done for such a sale any more."""

REPEATABLE_KINDS: Final = ("issue", "activate")
"""Kinds that are repeated at once after an unknown outcome: the voucher has an id of our own, so a second creation is
refused, and a second activation changes nothing."""

FIRST: Final = "-1"
"""How the key of the first of several vouchers of one order line ends."""

TARGETS: Final = ("issued", "active", "taken_back")
"""A target is only ever replaced by a later one: a return cannot be undone by an event that comes twice."""


def matched_by_key(
    standing: Collection[str],
    wanted: Mapping[str, int],
    *,
    given_up: Collection[str] = (),
    taken_back: Collection[str] = (),
) -> dict[str, str]:
    """Return the key of the sale that is, or was, the voucher of each key that the order sells now.

    ``wanted`` has the quantity of the line of each such key. The others are keys of sales: of those that are sold, of
    those that were given up as unpaid, and of those that were taken back.

    The first of several, ``key-1``, is the same voucher as the only one, ``key``: a quantity that changes from 1 to 2
    sells one voucher more, and one that changes back sells none. One that stands goes before one that was given up, and
    both before one that was taken back: where ``key-1`` of two came back alone, ``key-2`` is that of a quantity of 1.
    """
    matched = {key: key for key in wanted if key in standing or key in given_up}
    for keys in (standing, given_up):
        for key in [each for each in wanted if each not in matched]:
            left = [each for each in keys if each not in wanted and each not in matched.values()]
            if found := _of_same_line(key, wanted[key], left):
                matched[key] = found[0]
    for key in [each for each in wanted if each not in matched]:
        if found := [each for each in _same_voucher(key, wanted) if each in taken_back]:
            matched[key] = found[0]
    return matched


def _same_voucher(key: str, wanted: Collection[str]) -> list[str]:
    """Return under which keys the sale of a voucher may be: its own, and that of the only or the first one."""
    other = key.removesuffix(FIRST) if key.endswith(FIRST) else f"{key}{FIRST}"
    return [key] if other in wanted else [key, other]


def _of_same_line(key: str, quantity: int, keys: Collection[str]) -> list[str]:
    """Return which of ``keys`` belong to the order line of ``key``, in the order in which they are to stand for it."""
    line = key if quantity == 1 else key.rpartition("-")[0]
    numbers = {each: each.removeprefix(f"{line}-") for each in keys if each.startswith(f"{line}-")}
    numbered = sorted(
        (each for each in numbers if numbers[each].isdecimal()), key=lambda each: int(numbers[each])
    )
    same = [each for each in _same_voucher(key, ()) if each in keys]
    return [*same, *(each for each in numbered if each not in same)]


def next_step(status: str, target: str, *, was_sent: bool) -> StepKind | Literal["end"] | None:
    """Return the operation that the sale needs next, or None where it is where it shall be.

    ``end``: it is to be taken back, and its creation was never sent (``was_sent`` false), so there is nothing at the
    Voucher Cloud. A creation that may have arrived is finished first: an inactive voucher can be deleted, one that
    arrives late could not.
    """
    if status in ENDED_SALES:
        return None
    if target == "taken_back":
        if status != "ordered":
            return "deactivate"
        return "issue" if was_sent else "end"
    if status == "ordered":
        return "issue"
    return "activate" if status == "issued" and target == "active" else None


def target_after(target: str, wanted: SaleTarget) -> str:
    """Return the target of a sale for which the shop wants ``wanted``: never an earlier one."""
    return max(target, wanted, key=TARGETS.index)


def may_change(verb: str, status: str, target: str) -> bool:
    """Return whether ``activate`` or ``take_back`` may still change something about a sale: it has not ended, and
    nothing that follows is wanted of it yet."""
    if status in ENDED_SALES:
        return False
    match verb:
        case "activate":
            return target == "issued"
        case "take_back":
            return target != "taken_back"
        case _:
            return False


def end_of_unwritten(*, told_unpaid: bool) -> Literal["returned", ""]:
    """Return why a sale ends that was never written before its order was taken back. ``""``: it was cancelled and not
    paid, so the order may still be sold a voucher under its key, once it is paid."""
    return "" if told_unpaid else "returned"


def was_taken_back(target: str, end_reason: str) -> bool:
    """Return whether a sale was taken back with its order, or given up as unpaid; not where it was only replaced."""
    return target == "taken_back" and end_reason != "replaced"


def may_follow(end_reason: str) -> bool:
    """Return whether another voucher may follow one that was taken back, under the same key: only where its order was
    not paid then, and is now. One that was returned stays so, whatever event comes late or again."""
    return end_reason in ("", "unpaid")


def needs_recipient(status: str, target: str, delivery: str, *, is_delivered: bool) -> bool:
    """Return whether the code of a sale is still to be sent to its recipient. One on a page needs none: whoever has the
    link takes it."""
    is_over = status in ENDED_SALES or target == "taken_back"
    return not is_over and not is_delivered and delivery in ("mail", "signal")


def is_unpaid_too_long(status: str, target: str, created_at: datetime, now: datetime, *, days: float) -> bool:
    """Return whether a voucher was created for an order that was not paid within ``days``."""
    return status in ("ordered", "issued") and target == "issued" and now - created_at >= timedelta(days=days)


def stays_inactive_from(activation_sent_at: datetime | None, grace: timedelta) -> datetime | None:
    """Return from when on a voucher that was set inactive and cannot be deleted stays so: a copy of the activation that
    was sent last, at ``activation_sent_at``, may arrive until the ``grace`` ends. None: at once."""
    return None if activation_sent_at is None else activation_sent_at + grace


def bookings_are_final_from(holds_end_at: datetime, list_lag: timedelta) -> datetime:
    """Return from when on a read of the bookings of a voucher that stays inactive shows all there will ever be: its
    last hold has ended, at ``holds_end_at``, and the lists show each charge after the ``list_lag``. Before that a till
    may still charge a hold that it made while the voucher was valid."""
    return holds_end_at + list_lag


def spent_amount(bookings: Iterable[Booking]) -> Decimal:
    """Return what of a voucher was spent and not refunded, by its bookings."""
    signs = {"charge": 1, "refund": -1}
    return sum((signs.get(row.type, 0) * row.amount for row in bookings), Decimal("0.00"))


def is_whole(amount: Decimal, remaining: Decimal | None, bookings: Iterable[Booking]) -> bool:
    """Return whether a voucher sold for ``amount`` still has its full balance: the lists may show a charge late, or an
    order may hold a part just now. One whose balance is not known counts as whole."""
    recharged = sum((row.amount for row in bookings if row.type == "recharge"), Decimal("0.00"))
    return remaining is None or remaining >= amount + recharged
