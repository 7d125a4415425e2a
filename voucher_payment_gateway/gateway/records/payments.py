"""Update a payment only if it is unchanged since it was read (compare-and-set)."""

from typing import Any, Literal

from django.utils import timezone

from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.writes import UPDATE_PAYMENT
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.states import status_without_hold
from voucher_payment_gateway.rules.timing import is_usable

__all__ = [
    "NOT_ENDED_FIELDS",
    "SUPERSEDED",
    "change_payment",
    "ended_fields",
    "hold_ended_fields",
    "hold_lost_fields",
    "is_usable_now",
    "superseded_fields",
]

AS_READ = ("pk", "status", "reservation_id", "amount_captured", "amount_refunded")
"""What must be as it was read where a payment is changed."""

SUPERSEDED = {"status": "cancelled", "sealed_code": ""}
"""Fields of a payment superseded by another one for the same voucher, whose code was spelled differently."""


def change_payment(payment: VoucherPayment, **changes: Any) -> None:
    """Update the row; raise ConflictError where another writer changed it since it was read."""
    changes["updated_at"] = timezone.now()
    as_read = {name: getattr(payment, name) for name in AS_READ}
    if UPDATE_PAYMENT.run(as_read, changes) != 1:
        raise ConflictError
    for name, value in changes.items():
        setattr(payment, name, value)


def hold_ended_fields(payment: VoucherPayment, *, otherwise: Literal["lapsed", "failed"]) -> dict[str, Any]:
    """Return the fields of a payment that holds nothing any more."""
    status = status_without_hold(payment.amount_captured, payment.amount_refunded, otherwise=otherwise)
    return {"status": status, "amount_authorized": ZERO, "reserved_until": None}


def ended_fields(reason: Literal["expired", "taken_over", "refused"]) -> dict[str, Any]:
    """Return the fields that say when and why a payment lapsed for good or failed: it is not counted on any more."""
    return {"ended_at": timezone.now(), "end_reason": reason}


NOT_ENDED_FIELDS: dict[str, Any] = {"ended_at": None, "end_reason": ""}
"""Fields of a payment that is held (again)."""


def hold_lost_fields() -> dict[str, Any]:
    """Return the fields of a payment whose reservation was replaced by one that is not recorded: it is due to be
    renewed."""
    now = timezone.now()
    return {"reserved_until": now, "renew_at": now}


def superseded_fields(payment: VoucherPayment) -> dict[str, Any]:
    """Return the fields of a captured payment whose voucher the customer entered again: the rest that earlier captures
    left is covered by the new payment."""
    return {"amount_agreed": payment.amount_captured, "sealed_code": ""}


def is_usable_now(payment: VoucherPayment) -> bool:
    """Return whether the payment's reservation can still be charged."""
    return payment.status == "authorized" and is_usable(payment.reserved_until, timezone.now())
