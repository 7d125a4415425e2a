"""The states of payments and operations, and which of them mean what."""

from typing import Final, Literal

__all__ = [
    "LIVE_STATUSES",
    "MONEY_KINDS",
    "OPEN_STATES",
    "OperationKind",
    "OperationState",
    "PaymentStatus",
]

PaymentStatus = Literal["selected", "authorized", "captured", "refunded", "cancelled", "lapsed", "failed"]
OperationKind = Literal[
    "reserve", "charge", "refund", "cancel", "issue", "activate", "deactivate", "recharge"
]
OperationState = Literal["due", "sending", "succeeded", "refused", "unknown", "not_applied", "manual"]

LIVE_STATUSES: Final = ("selected", "authorized")
"""A voucher stands at most once in these on one order; entering its code again means the same payment."""

OPEN_STATES: Final = ("due", "sending", "unknown")
"""Not decided yet: money may be in flight, and nobody may start another operation on the voucher."""

MONEY_KINDS: Final = ("charge", "refund", "recharge")
"""Bookings on a voucher; at most one of them is open per voucher. A reservation, its release and a status change book
nothing, so repeating them loses nothing."""
