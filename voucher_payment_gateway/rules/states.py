"""The states of payments and operations, the transitions between them, and the groups of states that rules refer to."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal

__all__ = [
    "GIVES_BACK",
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
"""The states that may follow each state of an operation; ``None`` is an operation that is not stored yet."""

LIVE_STATUSES: Final = ("selected", "authorized", "lapsed")
"""An order has at most one such payment per voucher; entering the code again returns that payment."""

HELD_BEFORE: Final = ("authorized", "lapsed")
"""The voucher was held for the order, and can be held again with the stored code."""

OPEN_STATES: Final = ("due", "sending", "unknown")
"""Not decided yet: money may be in flight, which blocks every other operation on the voucher."""

NOT_ENDED: Final = ("selected", "authorized", "lapsed", "captured", "refunded")
"""A cancel request for such a payment is still to be carried out."""

MONEY_KINDS: Final = ("charge", "refund", "recharge")
"""Kinds that book on a voucher; at most one of them is open per voucher. Reserving, releasing and changing the status
book nothing, so repeating them is safe."""

GIVES_BACK: Final = ("refund", "recharge")
"""Kinds that give back what a payment was charged: a refund, or a recharge where the voucher can take no refund."""


class TransitionError(RuntimeError):
    """A transition that is not in ``TRANSITIONS``: a bug. Nothing was written."""


def check_transition(before: str | None, after: str) -> None:
    """Raise TransitionError unless an operation may go from ``before`` to ``after``. Staying in an open state is
    allowed: a lease, a fence or another attempt changes the row without changing its state."""
    if after not in TRANSITIONS[before] and not (after == before and before in (*OPEN_STATES, "manual")):
        raise TransitionError(f"no transition from {before or 'start'} to {after}")


def status_without_hold(
    captured: Decimal, refunded: Decimal, *, otherwise: Literal["lapsed", "failed"]
) -> PaymentStatus:
    """Return the status of a payment that holds nothing any more; earlier charges and refunds take precedence."""
    if not captured:
        return otherwise
    return "refunded" if refunded == captured else "captured"
