"""Taking a voucher back: it is set inactive and deleted, unless something of it was spent."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import RefusedError, UnavailableError
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.records.announce import announce_sale, request_review
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.sales import change_sale, sale_of
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.evidence import ABSENT, Evidence
from voucher_payment_gateway.rules.sales import may_deactivate_from, spent_amount
from voucher_payment_gateway.signals import voucher_taken_back

__all__ = ["DEACTIVATE"]

NOT_FOUND = 404


class DeactivateHandler(OperationHandler):
    """Set the voucher inactive, then delete it. Each step may be repeated.

    Only the Voucher Cloud knows for certain whether something was spent: it deletes no voucher with bookings. One that
    was charged and refunded in full, or topped up, stays there, inactive.
    """

    kind = "deactivate"
    is_booking = False

    def prepare(self, operation: VoucherOperation) -> None:
        """Wait where an activation whose answer was lost may still arrive: it would make the voucher valid again."""
        activations = VoucherOperation.current.filter(sale=operation.sale, kind="activate", attempts__gt=1)
        sent_at = activations.order_by("-sending_at").values_list("sending_at", flat=True).first()
        grace = timedelta(seconds=gateway_settings().REFUND_GRACE_SECONDS)
        earliest, now = may_deactivate_from(sent_at, grace), timezone.now()
        if earliest is not None and now < earliest:
            wait = (earliest - now).total_seconds()
            raise UnavailableError(code="activation_may_arrive", retry_after_seconds=wait)

    def call(self, operation: VoucherOperation) -> str:
        voucher = voucher_of(operation.voucher_id, operation.account)
        if voucher is None:
            return operation.voucher_id
        comment = f"order {operation.order_number}: taken back"
        if voucher.status == "active":
            _refuse_spent(operation)
            voucher_cloud(operation.account).set_voucher_status(operation.voucher_id, "inactive", comment)
        self._delete(operation, comment)
        return operation.voucher_id

    def _delete(self, operation: VoucherOperation, comment: str) -> None:
        cloud = voucher_cloud(operation.account)
        try:
            cloud.delete_voucher(operation.voucher_id, comment)
        except RefusedError as error:
            if error.http_status == NOT_FOUND:
                return
            bookings = bookings_of(operation.voucher_id, operation.account)
            if spent_amount(bookings) > ZERO:
                cloud.set_voucher_status(
                    operation.voucher_id, "active", f"{comment} was refused: it is spent"
                )
                _refuse_spent(operation)
            if not bookings:
                raise UnavailableError(code="delete_refused", http_status=error.http_status) from None

    def voucher_evidence(self, operation: VoucherOperation) -> Evidence:
        """A deleted voucher proves it; any other one is not finished, and is repeated after the grace period."""
        is_gone = voucher_of(operation.voucher_id, operation.account) is None
        return Evidence("found", operation.voucher_id) if is_gone else ABSENT

    def subject_changes(self, operation: VoucherOperation) -> Mapping[str, Any]:
        return {
            "status": "taken_back",
            "taken_back_at": timezone.now(),
            "sealed_code": "",
            "due_at": None,
            "deliver_due_at": None,
        }

    def announce(self, operation: VoucherOperation) -> None:
        announce_sale(voucher_taken_back, sale_of(operation), operation.amount)

    def on_refused(self, operation: VoucherOperation) -> None:
        """Leave the voucher to its holder, and request a review: the shop may have refunded it otherwise."""
        sale = sale_of(operation)
        wanted = "active" if sale.status == "active" else "issued"
        change_sale(sale, target=wanted, end_reason="", due_at=None)
        request_review(operation)


def _refuse_spent(operation: VoucherOperation) -> None:
    """Raise RefusedError (``voucher_spent``) where something of the voucher was spent."""
    spent = spent_amount(bookings_of(operation.voucher_id, operation.account))
    if spent > ZERO:
        raise spent_error(sale_of(operation), spent)


def spent_error(sale: VoucherSale, spent: Decimal) -> RefusedError:
    """Return the error that says what of a voucher was spent, so that it cannot be taken back."""
    return RefusedError(
        f"order {sale.order_number}: {with_code(spent, sale.currency)} of the gift voucher …{sale.code_hint} were "
        "spent: it cannot be taken back. It is still valid.",
        code="voucher_spent",
    )


DEACTIVATE = DeactivateHandler()
