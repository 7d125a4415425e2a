"""What it means for a payment that something of it went back, in whatever way."""

from decimal import Decimal
from typing import Any

from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.verdicts import status_after_refund
from voucher_payment_gateway.signals import payment_cancelled, payment_refunded

__all__ = ["announce_refund", "refunded_fields"]

NOTHING_HELD: dict[str, Any] = {"amount_authorized": ZERO, "reserved_until": None, "sealed_code": ""}


def refunded_fields(payment: VoucherPayment, amount: Decimal) -> dict[str, Any]:
    """Return how the payment changes when ``amount`` more of it has gone back."""
    refunded = payment.amount_refunded + amount
    status = status_after_refund(
        refunded=refunded,
        captured=payment.amount_captured,
        cancelling=payment.cancel_requested_at is not None,
    )
    changes: dict[str, Any] = {"amount_refunded": refunded}
    if status == "captured" or (
        status == "refunded" and payment.status == "authorized" and _has_more(payment)
    ):
        return changes
    changes["status"] = status
    return changes if status == "refunded" and _has_more(payment) else changes | NOTHING_HELD


def _has_more(payment: VoucherPayment) -> bool:
    """Return whether a later delivery may still be charged: then the hold and the code are kept."""
    return bool(payment.sealed_code) and payment.amount_chargeable > ZERO


def announce_refund(payment: VoucherPayment, amount: Decimal) -> None:
    """Tell the shop that ``amount`` of the payment went back, and that it is cancelled where that was all."""
    announce(payment_refunded, payment, amount)
    if payment.status == "cancelled":
        announce(payment_cancelled, payment, amount)
