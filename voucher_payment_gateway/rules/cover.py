"""What the vouchers of an order cover, what stays due, and what one voucher can still promise to another order.

A confirmed payment covers what was agreed until it is captured, cancelled, or proven impossible, whether its
reservation is alive, has lapsed or was replaced: it is captured by reserving again with its stored code.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

__all__ = [
    "AfterReturn",
    "PaymentFigures",
    "agreed",
    "counted",
    "covered",
    "due",
    "is_unpaid",
    "left_for_others",
    "outlives_hold",
    "outstanding",
    "settled",
    "unpaid",
]

ZERO = Decimal("0.00")

AfterReturn = Literal["stays", "lowered"]
"""Whether the shop lowers the total of an order when something of it is returned."""


class PaymentFigures(Protocol):
    """What these rules read of a payment; amounts in one currency."""

    status: str
    confirmed_at: datetime | None
    cancel_requested_at: datetime | None
    sealed_code: str
    amount_agreed: Decimal
    amount_authorized: Decimal
    amount_captured: Decimal
    amount_refunded: Decimal
    open_charge: Decimal


def agreed(payment: PaymentFigures) -> Decimal:
    """Return what a confirmed payment has agreed and not captured; zero once nothing of it can be captured."""
    can_be_captured = payment.status == "authorized" or bool(payment.sealed_code)
    is_promise = payment.confirmed_at is not None and payment.cancel_requested_at is None
    if not is_promise or not can_be_captured or payment.status in ("cancelled", "failed"):
        return ZERO
    return max(payment.amount_agreed - payment.amount_captured, ZERO)


def outlives_hold(payment: PaymentFigures) -> bool:
    """Return whether a payment counts on although nothing is held for it: it was confirmed, and is held again with its
    stored code when it is captured."""
    return (
        payment.status not in ("cancelled", "failed") and bool(payment.sealed_code) and agreed(payment) > ZERO
    )


def outstanding(payment: PaymentFigures) -> Decimal:
    """Return what will still be charged to a payment: agreed, held, or in flight."""
    return max(payment.amount_authorized, payment.open_charge, agreed(payment))


def settled(payment: PaymentFigures, after_return: AfterReturn) -> Decimal:
    """Return what a payment has settled of the total as it is now. Where the shop leaves the total as it was, an amount
    that went back counts as settled; where it lowers the total, it does not."""
    kept = payment.amount_captured - payment.amount_refunded
    return kept if after_return == "lowered" else payment.amount_captured


def covered(
    payments: Iterable[PaymentFigures],
    after_return: AfterReturn,
    *,
    without: Iterable[PaymentFigures] = (),
) -> Decimal:
    """Return what the payments have settled and will still be charged; of those in ``without`` only what they have
    settled, or what is in flight."""
    left_out = list(without)
    return sum(
        (
            settled(payment, after_return)
            + (payment.open_charge if payment in left_out else outstanding(payment))
            for payment in payments
            if payment.status != "cancelled"
        ),
        ZERO,
    )


def counted(payments: Iterable[PaymentFigures], payable: Decimal, after_return: AfterReturn) -> Decimal:
    """Return what counts as covered of an order of which vouchers may pay ``payable``. What is still to be charged
    counts up to that; what was charged, or is being charged, counts in any case."""
    known = list(payments)
    charged = covered(known, after_return, without=known)
    return min(covered(known, after_return), max(payable, charged))


def due(total: Decimal, covered: Decimal) -> Decimal:
    """Return the part of the total that is for another payment method: never below zero."""
    return max(total - covered, ZERO)


def is_unpaid(payment: PaymentFigures) -> bool:
    """Return whether a confirmed payment ended without what was agreed: it failed, or lapsed for good. One that was
    cancelled was taken off, and is not counted on."""
    if (
        payment.confirmed_at is None
        or payment.status == "cancelled"
        or payment.cancel_requested_at is not None
    ):
        return False
    return payment.amount_agreed > payment.amount_captured and outstanding(payment) == ZERO


def unpaid(payment: PaymentFigures) -> Decimal:
    """Return what was agreed with a confirmed payment that ended without it; zero for any other."""
    return payment.amount_agreed - payment.amount_captured if is_unpaid(payment) else ZERO


def left_for_others(balance: Decimal, promised: Iterable[PaymentFigures]) -> Decimal:
    """Return what a voucher's balance leaves for another order, if these payments count on it."""
    return max(balance - sum((outstanding(payment) for payment in promised), ZERO), ZERO)
