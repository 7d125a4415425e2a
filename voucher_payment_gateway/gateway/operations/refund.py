"""The refund of a charge, in full or in part."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    ContractError,
    OutcomeUnknownError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.holds.control import is_elsewhere
from voucher_payment_gateway.gateway.operations.fallback import fallback_after
from voucher_payment_gateway.gateway.operations.handler import OperationHandler, RefundedElsewhereError
from voucher_payment_gateway.gateway.operations.refunded import announce_refund, refunded_fields
from voucher_payment_gateway.gateway.records.announce import request_review
from voucher_payment_gateway.gateway.records.bookings import bookings_of, recorded_refunds
from voucher_payment_gateway.gateway.records.vouchers import is_gone
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.evidence import (
    ABSENT,
    AMBIGUOUS,
    Evidence,
    is_answer_to_refund,
    refund_evidence,
    refunded_elsewhere,
    refunded_meanwhile,
)
from voucher_payment_gateway.rules.fallback import falls_back

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


class RefundHandler(OperationHandler):
    """Refund a charge. Its baseline is the list of refunds that the voucher had before."""

    kind = "refund"

    def reads_ahead(self, operation: VoucherOperation) -> bool:
        """Return whether it has no baseline yet."""
        return operation.baseline is None or not operation.attempts

    def read_ahead(self, operation: VoucherOperation) -> None:
        """Read the bookings of the voucher for the baseline. An error is raised by ``prepare``."""
        try:
            operation.bookings = _readable_bookings(operation)
        except VoucherGatewayError as error:
            operation.bookings = error

    def prepare(self, operation: VoucherOperation) -> None:
        """Set the baseline before the first attempt: if the answer is lost, the refund that is not in it is ours.

        Raises RefundedElsewhereError where refunds that our records do not have leave too little of the charge.
        """
        if self.reads_ahead(operation):
            bookings = _bookings_before(operation)
            operation.baseline = [row.id for row in bookings if row.type == "refund"]
            if refunded_elsewhere(
                bookings,
                charge_id=operation.target_id,
                reference=operation.reference,
                amount=operation.amount,
                ours=lambda: recorded_refunds(operation),
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
        baseline = operation.baseline or ()
        evidence = refund_evidence(
            bookings,
            amount=operation.amount,
            baseline=baseline,
            ours=ours,
            reference=operation.reference,
            client_id=(charge and charge.client_id) or "",
        )
        if evidence == ABSENT and _falls_back():
            reference = operation.reference
            if refunded_meanwhile(bookings, baseline=baseline, ours=ours, reference=reference):
                return AMBIGUOUS
        return evidence

    def subject_changes(self, operation: VoucherOperation) -> Mapping[str, Any]:
        return refunded_fields(operation.payment, operation.amount)

    def announce(self, operation: VoucherOperation) -> None:
        announce_refund(operation.payment, operation.amount)

    def verifies_refusal_of(self, operation: VoucherOperation) -> bool:
        """Return true where money is given back in another way after a refusal: it must not go back twice. Nothing can
        be booked on a voucher that is gone."""
        return _falls_back() and not is_gone(operation.voucher_id, operation.account)

    def retry_with(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Return the first rung of ``REFUND_FALLBACK``, if there is one."""
        return fallback_after(operation)

    def on_refused(self, operation: VoucherOperation) -> None:
        """Leave the payment captured and request a review: it is not cancelled unless all was refunded."""
        request_review(operation)


def _falls_back() -> bool:
    return falls_back(gateway_settings().REFUND_FALLBACK)


def _bookings_before(operation: VoucherOperation) -> list[Charge]:
    """Return the bookings that were read ahead, once: whoever tries again reads again."""
    read, operation.bookings = operation.bookings, None
    if isinstance(read, VoucherGatewayError):
        raise read
    return _readable_bookings(operation) if read is None else read


def _readable_bookings(operation: VoucherOperation) -> list[Charge]:
    """Return all bookings of the voucher; none of one that is gone, where its refund is followed by another rung.
    Raises UnavailableError where they cannot be read: nothing was sent."""
    try:
        return bookings_of(operation.voucher_id, operation.account)
    except ContractError as error:
        if not is_gone(operation.voucher_id, operation.account):
            raise _baseline_unreadable(operation, error) from None
        if is_elsewhere(operation.account):
            raise UnavailableError(code="address_wrong", http_status=error.http_status) from None
        if not _falls_back():
            raise _voucher_gone(operation, error) from None
    return []


def _baseline_unreadable(operation: VoucherOperation, error: ContractError) -> UnavailableError:
    return UnavailableError(
        f"order {operation.order_number}: the bookings of the gift voucher …{operation.payment.code_hint} cannot be "
        "read just now, and without them nothing is refunded. Settle tries it again, for a day; then a person must "
        "decide. No money moved.",
        code="baseline_unreadable",
        http_status=error.http_status,
    )


def _voucher_gone(operation: VoucherOperation, error: ContractError) -> UnavailableError:
    """Return the error that says why nothing is refunded; with the status of the answer, after which a person must
    decide when it has lasted for a day."""
    return UnavailableError(
        f"order {operation.order_number}: the gift voucher …{operation.payment.code_hint} was deleted at the Voucher "
        "Cloud: it takes no refund. Settle tries it again, for a day; then a person must give the money back in "
        "another way. No money moved.",
        code="voucher_gone",
        http_status=error.http_status,
    )


REFUND = RefundHandler()
