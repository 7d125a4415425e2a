"""Whether an order still fits what vouchers have paid for it: it may be gone, cancelled, or cost less."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from voucher_payment_gateway.rules.cover import PaymentFigures, outstanding

__all__ = ["OrderDifferenceKind", "compare_order", "kept", "live_amount"]

OrderDifferenceKind = Literal["order_gone", "order_cancelled", "order_overpaid"]

ZERO = Decimal("0.00")


def kept(payment: PaymentFigures) -> Decimal:
    """Return what was charged and has not gone back."""
    return payment.amount_captured - payment.amount_refunded


def live_amount(payment: PaymentFigures) -> Decimal:
    """Return what was charged and has not gone back, with what is held, in flight or may still be charged."""
    return kept(payment) + (ZERO if payment.status == "cancelled" else outstanding(payment))


def compare_order(
    payments: Sequence[PaymentFigures], *, is_gone: bool, is_cancelled: bool, total: Decimal | None
) -> tuple[OrderDifferenceKind, Decimal] | None:
    """Return what is wrong with an order, and the amount concerned, or None; ``total`` is None where it is not known.

    Of an order that is gone or cancelled it is all that its payments keep or may still charge; of one that was paid
    more than it costs, the part that is too much.
    """
    live = sum(map(live_amount, payments), ZERO)
    too_much = sum(map(kept, payments), ZERO) - max(total, ZERO) if total is not None else ZERO
    if is_gone or is_cancelled:
        return ("order_gone" if is_gone else "order_cancelled", live) if live > ZERO else None
    return ("order_overpaid", too_much) if too_much > ZERO else None
