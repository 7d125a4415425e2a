"""The states of payments and operations, and which of them mean what."""

from decimal import Decimal
from typing import Final, Literal

__all__ = [
    "HELD_BEFORE",
    "LIVE_STATUSES",
    "MONEY_KINDS",
    "NOT_ENDED",
    "OPEN_STATES",
    "OperationKind",
    "OperationState",
    "PaymentStatus",
    "status_without_hold",
]

PaymentStatus = Literal["selected", "authorized", "captured", "refunded", "cancelled", "lapsed", "failed"]
OperationKind = Literal[
    "reserve", "charge", "refund", "cancel", "issue", "activate", "deactivate", "recharge"
]
OperationState = Literal["due", "sending", "succeeded", "refused", "unknown", "not_applied", "manual"]

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


def status_without_hold(
    captured: Decimal, refunded: Decimal, *, otherwise: Literal["lapsed", "failed"]
) -> PaymentStatus:
    """Return what a payment is called once nothing is held for it: what it was charged before is not forgotten."""
    if not captured:
        return otherwise
    return "refunded" if refunded == captured else "captured"
