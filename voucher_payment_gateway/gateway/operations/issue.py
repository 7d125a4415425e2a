"""The creation of a voucher that is sold: inactive, under an id of our own, so that it can be repeated."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.api import CompleteVoucher, Voucher
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
)
from voucher_payment_gateway.gateway.operations.fallback import fallback_after
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.records.announce import announce_sale, request_review
from voucher_payment_gateway.gateway.records.sales import change_sale, code_fields, sale_of
from voucher_payment_gateway.gateway.records.vouchers import complete_voucher_of, voucher_of
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.rules.evidence import ABSENT, Evidence
from voucher_payment_gateway.signals import voucher_issued

__all__ = ["ISSUE"]


ENDED: dict[str, Any] = {"status": "failed", "end_reason": "refused", "due_at": None}
"""Fields of a sale whose voucher was surely not created."""


class IssueHandler(OperationHandler):
    """Create the voucher, and seal its code with the same write that records the success."""

    kind = "issue"
    is_booking = False
    verifies_refusals = True

    def is_cancelled(self, operation: VoucherOperation) -> bool:
        """Return whether it was never sent and is not wanted any more. One that may have arrived is finished: what it
        created is then deleted."""
        is_unwanted = VoucherSale.current.filter(pk=operation.sale_id, target="taken_back").exists()
        return operation.attempts == 0 and bool(is_unwanted)

    @strip_traceback
    def call(self, operation: VoucherOperation) -> str:
        created = self._create(operation)
        if not created.code:
            created = _read_created(operation) or created
        if not created.code:
            raise OutcomeUnknownError(code="code_not_answered")
        operation.remote_voucher = created
        return operation.voucher_id

    def _create(self, operation: VoucherOperation) -> CompleteVoucher:
        """Create it. Where that is refused, it may be there already: an earlier attempt, or one that an intermediary
        repeated, has arrived."""
        try:
            return voucher_cloud(operation.account).create_voucher(**_arguments(operation))
        except RefusedError:
            existing = _read_created(operation)
            if existing is None:
                raise
            if not _is_ours(operation, existing):
                raise OutcomeUnknownError(code="answer_not_ours") from None
            return existing

    @strip_traceback
    def voucher_evidence(self, operation: VoucherOperation) -> Evidence:
        """Read the voucher with its code, which one that is to be deleted needs no more. One with our id that is worth
        another amount is not the one that was asked for: a person must decide."""
        is_unwanted = sale_of(operation).target == "taken_back"
        read = voucher_of if is_unwanted else complete_voucher_of
        existing = read(operation.voucher_id, operation.account)
        if existing is None:
            return ABSENT
        if not _is_ours(operation, existing):
            return Evidence("foreign")
        if not is_unwanted and not getattr(existing, "code", ""):
            raise ContractError(code="code_not_answered")
        operation.remote_voucher = existing
        return Evidence("found", operation.voucher_id)

    def is_recorded(self, operation: VoucherOperation) -> bool:
        """Return whether the voucher was created, by this operation or another one."""
        return sale_of(operation).issued_at is not None

    def subject_changes(self, operation: VoucherOperation) -> Mapping[str, Any]:
        sale, voucher = sale_of(operation), operation.remote_voucher
        is_there = {"due_at": None} if sale.target == "issued" else {}
        code = code_fields(voucher) if getattr(voucher, "code", "") else {}
        return is_there | {"status": "issued", "issued_at": timezone.now(), **code}

    def announce(self, operation: VoucherOperation) -> None:
        announce_sale(voucher_issued, sale_of(operation), operation.amount)

    def retry_with(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Return the next rung of ``REFUND_FALLBACK`` where the voucher was to stand in place of a refund, and a person
        has not taken it back meanwhile."""
        sale = sale_of(operation)
        is_wanted = sale.replaces_refund_id is not None and sale.target != "taken_back"
        next_operation = fallback_after(operation) if is_wanted else None
        if next_operation is not None:
            change_sale(sale, **ENDED)
        return next_operation

    def on_not_applied(self, operation: VoucherOperation) -> None:
        """End the sale where another voucher has its id: it would have it at every attempt. The order may be sold one
        again, which gets an id of its own."""
        if operation.error_code == "voucher_not_ours":
            change_sale(sale_of(operation), **ENDED)

    def on_refused(self, operation: VoucherOperation) -> None:
        """End the sale: no voucher was created. The order may be sold one again."""
        change_sale(sale_of(operation), **ENDED)
        request_review(operation)


@strip_traceback
def _read_created(operation: VoucherOperation) -> CompleteVoucher | None:
    """Return the voucher that a creation may have made; None where there is none. Where that cannot be read, the
    creation has an unknown outcome: it was sent."""
    try:
        return complete_voucher_of(operation.voucher_id, operation.account)
    except (UnavailableError, CredentialsError, ContractError) as error:
        raise OutcomeUnknownError(code=error.code, http_status=error.http_status) from None


def _arguments(operation: VoucherOperation) -> Any:
    sale = sale_of(operation)
    optional = {
        "sku": sale.sku or None,
        "batch": sale.batch or None,
        "validity_value": sale.validity_value,
        "validity_interval": sale.validity_interval or None,
        "taxable": sale.taxable,
        "tax_rate": sale.tax_rate,
    }
    return {
        "id": operation.voucher_id,
        "amount": operation.amount,
        "currency": operation.currency,
        "order_number": operation.order_number,
        **optional,
    }


def _is_ours(operation: VoucherOperation, voucher: Voucher) -> bool:
    """Return whether the voucher with our id is worth what we asked for; where it is not, a person must look at it."""
    return voucher.currency == operation.currency and voucher.amount in (None, operation.amount)


ISSUE = IssueHandler()
