"""How a refund is prepared, made, and recorded on its payment."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    ContractError,
    OutcomeUnknownError,
    UnavailableError,
)
from voucher_payment_gateway.gateway.operations.handler import of
from voucher_payment_gateway.gateway.operations.transitions import request_review
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.evidence import is_answer_to_refund
from voucher_payment_gateway.rules.verdicts import status_after_refund
from voucher_payment_gateway.signals import payment_cancelled, payment_refunded

__all__ = ["REFUND", "draft_refund"]


def draft_refund(
    payment: VoucherPayment, charge: VoucherOperation, amount: Decimal, **by: str
) -> VoucherOperation:
    return VoucherOperation(
        payment=payment,
        order_number=payment.order_number,
        voucher_id=payment.voucher_id,
        kind="refund",
        amount=amount,
        currency=payment.currency,
        target_id=charge.remote_id,
        reference=charge.reference,
        **by,
    )


def _has_more(payment: VoucherPayment) -> bool:
    """Whether a later delivery may still be charged: its hold and its code outlast the return of the earlier ones."""
    return bool(payment.sealed_code) and payment.amount_chargeable > ZERO


NOTHING_HELD: dict[str, Any] = {"amount_authorized": ZERO, "reserved_until": None, "sealed_code": ""}


class RefundHandler:
    """How a refund is prepared, made, and booked on its payment."""

    name = "refund"

    def needs_a_claim(self, operation: VoucherOperation) -> bool:
        return False

    def prepare(self, operation: VoucherOperation) -> None:
        """Note which refunds the voucher has before the first send: without that a lost one could not be told from
        them."""
        if operation.baseline is None or not operation.attempts:
            operation.baseline = refund_ids(operation.voucher_id)

    def call(self, operation: VoucherOperation) -> str:
        answer = voucher_cloud().refund(operation.target_id, operation.amount, operation.currency)
        if not is_answer_to_refund(
            remote_id=answer.id,
            baseline=operation.baseline or (),
            voucher_id=operation.voucher_id,
            told_voucher_id=answer.voucher_id,
            reference=operation.reference,
            told_reference=answer.order_number,
        ):
            raise OutcomeUnknownError(code="answer_not_ours")
        return answer.id

    def booked(self, operation: VoucherOperation) -> Mapping[str, Any]:
        payment = of(operation)
        refunded = payment.amount_refunded + operation.amount
        status = status_after_refund(
            refunded=refunded,
            captured=payment.amount_captured,
            cancelling=payment.cancel_requested_at is not None,
        )
        booked: dict[str, Any] = {"amount_refunded": refunded}
        if status == "captured" or (
            status == "refunded" and payment.status == "authorized" and _has_more(payment)
        ):
            return booked
        booked["status"] = status
        return booked if status == "refunded" and _has_more(payment) else booked | NOTHING_HELD

    def tell(self, operation: VoucherOperation) -> None:
        announce(payment_refunded, of(operation), operation.amount)
        if of(operation).status == "cancelled":
            announce(payment_cancelled, of(operation), operation.amount)

    def is_unwanted(self, operation: VoucherOperation) -> bool:
        return False

    def follow_up(self, operation: VoucherOperation) -> VoucherOperation | None:
        return None

    def refused(self, operation: VoucherOperation) -> None:
        """Leave the payment captured and let a person look: never a cent less, never called cancelled."""
        request_review(operation)


def refund_ids(voucher_id: str) -> list[str]:
    """Return the ids of all refunds of a voucher. Raises UnavailableError where they cannot be read."""
    try:
        return [row.id for row in bookings_of(voucher_id) if row.type == "refund"]
    except ContractError as error:
        raise UnavailableError(code="baseline_unreadable", http_status=error.http_status) from None


REFUND = RefundHandler()
