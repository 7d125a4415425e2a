"""The recharge of a voucher: money is added, found again by an order number of its own."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.gateway.operations.fallback import fallback_after
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.reference import new_reference
from voucher_payment_gateway.gateway.operations.refunded import announce_refund, refunded_fields
from voucher_payment_gateway.gateway.operations.sale_draft import draft_step
from voucher_payment_gateway.gateway.records.announce import announce_sale, request_review
from voucher_payment_gateway.gateway.records.vouchers import is_gone
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.rules.evidence import Evidence, charge_evidence, is_answer_to_charge
from voucher_payment_gateway.signals import voucher_topped_up

__all__ = ["RECHARGE", "draft_recharge"]


def draft_recharge(sale: VoucherSale, amount: Decimal, **fields: Any) -> VoucherOperation:
    """Return a recharge of the voucher of ``sale``, not saved yet. A lost answer is found by its unique reference.

    ``fields`` are those of the call that asked for it: idempotency key, actor, reason.
    """
    draft = draft_step(sale, "recharge", amount=amount, amount_asked=amount, **fields)
    draft.reference = new_reference(sale.order_number, draft.number)
    return draft


class RechargeHandler(OperationHandler):
    """Add money to a voucher by its id: that of a sale, or, where a refund was refused, that of a payment."""

    kind = "recharge"

    def is_cancelled(self, operation: VoucherOperation) -> bool:
        """Return whether it was never sent and its voucher is to be taken back."""
        if operation.sale is None or operation.attempts:
            return False
        return bool(VoucherSale.current.filter(pk=operation.sale_id, target="taken_back").exists())

    def verifies_refusal_of(self, operation: VoucherOperation) -> bool:
        """Return true, unless the voucher is gone: nothing can be booked on it then."""
        return not is_gone(operation.voucher_id, operation.account)

    def call(self, operation: VoucherOperation) -> str:
        booked = voucher_cloud(operation.account).recharge_voucher(
            amount=operation.amount,
            currency=operation.currency,
            order_number=operation.reference,
            id=operation.voucher_id,
        )
        if not is_answer_to_charge(
            amount=operation.amount,
            charged=booked.amount,
            voucher_id=operation.voucher_id,
            answered_voucher_id=booked.voucher_id,
            reference=operation.reference,
            answered_reference=booked.order_number,
        ):
            raise OutcomeUnknownError(code="answer_not_ours")
        return booked.id

    def evidence(
        self, operation: VoucherOperation, bookings: Sequence[Charge], ours: Collection[str]
    ) -> Evidence:
        wanted = {"reference": operation.reference, "amount": operation.amount}
        return charge_evidence(bookings, ours=ours, kind="recharge", **wanted)

    def subject_changes(self, operation: VoucherOperation) -> Mapping[str, Any]:
        if operation.sale is None:
            return refunded_fields(operation.payment, operation.amount)
        return {"amount_topped_up": operation.sale.amount_topped_up + operation.amount}

    def retry_with(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Return the next rung of ``REFUND_FALLBACK`` where this one stands in place of a refund."""
        return fallback_after(operation) if operation.sale is None else None

    def on_refused(self, operation: VoucherOperation) -> None:
        """Request a review: the money may be paid for, and is not on the voucher."""
        request_review(operation)

    def announce(self, operation: VoucherOperation) -> None:
        if operation.sale is None:
            announce_refund(operation.payment, operation.amount)
        else:
            announce_sale(voucher_topped_up, operation.sale, operation.amount)


RECHARGE = RechargeHandler()
