"""The states of payments and operations, and which of them mean what."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal

__all__ = [
    "HELD_BEFORE",
    "LIVE_STATUSES",
    "MONEY_KINDS",
    "NOT_ENDED",
    "OPEN_STATES",
    "TRANSITIONS",
    "OperationKind",
    "OperationState",
    "PaymentStatus",
    "TransitionError",
    "check_transition",
    "status_without_hold",
]

PaymentStatus = Literal["selected", "authorized", "captured", "refunded", "cancelled", "lapsed", "failed"]
OperationKind = Literal[
    "reserve", "charge", "refund", "cancel", "issue", "activate", "deactivate", "recharge"
]
OperationState = Literal["due", "sending", "succeeded", "refused", "unknown", "not_applied", "manual"]

TRANSITIONS: Final[Mapping[str | None, tuple[str, ...]]] = {
    None: ("due", "sending", "succeeded"),
    "due": ("sending", "not_applied", "manual"),
    "sending": ("succeeded", "refused", "due", "unknown", "manual"),
    "unknown": ("succeeded", "due", "refused", "not_applied", "manual"),
    "manual": ("succeeded", "not_applied"),
    "succeeded": (),
    "refused": (),
    "not_applied": (),
}
"""From each state of an operation those that may follow; ``None`` is an operation that is not written yet."""

LIVE_STATUSES: Final = ("selected", "authorized", "lapsed")
"""A voucher stands at most once in these on one order; entering its code again means the same payment."""

HELD_BEFORE: Final = ("authorized", "lapsed")
"""The voucher was held for the order, and may be held again with the code that is kept."""

OPEN_STATES: Final = ("due", "sending", "unknown")
"""Not decided yet: money may be in flight, and nobody may start another operation on the voucher."""

NOT_ENDED: Final = ("selected", "authorized", "lapsed", "captured", "refunded")
"""A wish to cancel such a payment is still to be carried out."""

MONEY_KINDS: Final = ("charge", "refund", "recharge")
"""Bookings on a voucher; at most one of them is open per voucher. A reservation, its release and a status change book
nothing, so repeating them loses nothing."""


class TransitionError(RuntimeError):
    """A transition that is not in ``TRANSITIONS``: a mistake in the code. Nothing was written."""


def check_transition(before: str | None, after: str) -> None:
    """Raise TransitionError unless an operation may go from ``before`` to ``after``. Staying in an open state is
    allowed: a lease, a fence or a next attempt changes the row and not its state."""
    if after not in TRANSITIONS[before] and not (after == before and before in (*OPEN_STATES, "manual")):
        raise TransitionError(f"no transition from {before or 'start'} to {after}")


def status_without_hold(
    captured: Decimal, refunded: Decimal, *, otherwise: Literal["lapsed", "failed"]
) -> PaymentStatus:
    """Return what a payment is called once nothing is held for it: what it was charged before is not forgotten."""
    if not captured:
        return otherwise
    return "refunded" if refunded == captured else "captured"
