"""How much can go back, and what a payment is called once it has."""

from decimal import Decimal
from typing import Literal

__all__ = ["counts_as_given_back", "status_after_refund"]


def counts_as_given_back(state: str) -> bool:
    """Say whether a refund in this state lowers what can still go back: booked, under way, or left to a person."""
    return state not in ("refused", "not_applied")


def status_after_refund(
    *, refunded: Decimal, captured: Decimal, cancelling: bool
) -> Literal["captured", "refunded", "cancelled"]:
    """Return the status of a payment of which ``refunded`` has gone back: never cancelled with a cent less."""
    if refunded != captured:
        return "captured"
    return "cancelled" if cancelling else "refunded"
