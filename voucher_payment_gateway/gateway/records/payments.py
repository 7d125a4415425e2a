"""Changing a payment: only as it was read, so that nobody's change is lost."""

from typing import Any, Literal

from django.utils import timezone

from voucher_payment_gateway.gateway.records.conflicts import ConflictError, database
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.states import status_without_hold
from voucher_payment_gateway.rules.timing import is_usable

__all__ = ["SUPERSEDED", "change_payment", "hold_ended_fields", "is_usable_now", "superseded_fields"]

SUPERSEDED = {"status": "cancelled", "sealed_code": ""}
"""What another payment stands for now: the same voucher by another spelling of its code."""


def change_payment(payment: VoucherPayment, **changes: Any) -> None:
    """Change a row as it was read; raise OutdatedError where somebody changed it meanwhile."""
    changes["updated_at"] = timezone.now()
    as_read = VoucherPayment.objects.using(database()).filter(
        pk=payment.pk,
        status=payment.status,
        reservation_id=payment.reservation_id,
        amount_captured=payment.amount_captured,
        amount_refunded=payment.amount_refunded,
    )
    if as_read.update(**changes) != 1:
        raise ConflictError
    for name, value in changes.items():
        setattr(payment, name, value)


def hold_ended_fields(payment: VoucherPayment, *, otherwise: Literal["lapsed", "failed"]) -> dict[str, Any]:
    """Return how a payment changes that holds nothing any more."""
    status = status_without_hold(payment.amount_captured, payment.amount_refunded, otherwise=otherwise)
    return {"status": status, "amount_authorized": ZERO, "reserved_until": None}


def superseded_fields(payment: VoucherPayment) -> dict[str, Any]:
    """Return how a captured payment changes whose voucher the customer entered anew: the new payment stands for what
    earlier captures left."""
    return {"amount_agreed": payment.amount_captured, "sealed_code": ""}


def is_usable_now(payment: VoucherPayment) -> bool:
    """Whether the payment's reservation can still be charged."""
    return payment.status == "authorized" and is_usable(payment.reserved_until, timezone.now())
