"""The refund of a charge, in full or in part."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import ContractError, OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.gateway.operations.handler import OperationHandler, RefundedElsewhereError
from voucher_payment_gateway.gateway.records.announce import announce, request_review
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.evidence import (
    Evidence,
    is_answer_to_refund,
    refund_evidence,
    refunded_elsewhere,
)
from voucher_payment_gateway.rules.verdicts import status_after_refund
from voucher_payment_gateway.signals import payment_cancelled, payment_refunded

__all__ = ["REFUND", "draft_refund"]


def draft_refund(
    payment: VoucherPayment, charge: VoucherOperation, amount: Decimal, **fields: Any
) -> VoucherOperation:
    """Return a refund of ``amount`` from ``charge``, not saved yet.

    ``fields`` are those of the call that asked for it: amount asked, idempotency key, actor, reason.
    """
    return VoucherOperation(
        payment=payment,
        order_number=payment.order_number,
        voucher_id=payment.voucher_id,
        kind="refund",
        amount=amount,
        currency=payment.currency,
        target_id=charge.remote_id,
        reference=charge.reference,
        **fields,
    )


def _has_more(payment: VoucherPayment) -> bool:
    """Return whether a later delivery may still be charged: then the hold and the code are kept."""
    return bool(payment.sealed_code) and payment.amount_chargeable > ZERO


NOTHING_HELD: dict[str, Any] = {"amount_authorized": ZERO, "reserved_until": None, "sealed_code": ""}


class RefundHandler(OperationHandler):
    """Refund a charge. Its baseline is the list of refunds that the voucher had before."""

    kind = "refund"

    def prepare(self, operation: VoucherOperation) -> None:
        """Set the baseline before the first attempt: if the answer is lost, the refund that is not in it is ours.

        Raises RefundedElsewhereError where refunds that our records do not have leave too little of the charge.
        """
        if operation.baseline is None or not operation.attempts:
            bookings = _readable_bookings(operation)
            operation.baseline = [row.id for row in bookings if row.type == "refund"]
            if refunded_elsewhere(
                bookings,
                charge_id=operation.target_id,
                reference=operation.reference,
                amount=operation.amount,
                ours=lambda: _recorded_refunds(operation),
            ):
                raise RefundedElsewhereError

    def call(self, operation: VoucherOperation) -> str:
        cloud = voucher_cloud(operation.account)
        answer = cloud.refund(operation.target_id, operation.amount, operation.currency)
        if not is_answer_to_refund(
            remote_id=answer.id,
            baseline=operation.baseline or (),
            voucher_id=operation.voucher_id,
            answered_voucher_id=answer.voucher_id,
            reference=operation.reference,
            answered_reference=answer.order_number,
        ):
            raise OutcomeUnknownError(code="answer_not_ours")
        return answer.id

    def evidence(
        self, operation: VoucherOperation, bookings: Sequence[Charge], ours: Collection[str]
    ) -> Evidence:
        charge = next((row for row in bookings if row.id == operation.target_id), None)
        return refund_evidence(
            bookings,
            amount=operation.amount,
            baseline=operation.baseline or (),
            ours=ours,
            reference=operation.reference,
            client_id=(charge and charge.client_id) or "",
        )

    def subject_changes(self, operation: VoucherOperation) -> Mapping[str, Any]:
        payment = operation.payment
        refunded = payment.amount_refunded + operation.amount
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

    def announce(self, operation: VoucherOperation) -> None:
        announce(payment_refunded, operation.payment, operation.amount)
        if operation.payment.status == "cancelled":
            announce(payment_cancelled, operation.payment, operation.amount)

    def on_refused(self, operation: VoucherOperation) -> None:
        """Leave the payment captured and request a review: it is not cancelled unless all was refunded."""
        request_review(operation)


def _readable_bookings(operation: VoucherOperation) -> list[Charge]:
    """Return all bookings of the voucher. Raises UnavailableError where they cannot be read."""
    try:
        return bookings_of(operation.voucher_id, operation.account)
    except ContractError as error:
        raise UnavailableError(code="baseline_unreadable", http_status=error.http_status) from None


def _recorded_refunds(operation: VoucherOperation) -> set[str]:
    refunds = VoucherOperation.current.on_voucher_of(operation).filter(kind="refund")
    return set(refunds.exclude(remote_id="").values_list("remote_id", flat=True))


REFUND = RefundHandler()
