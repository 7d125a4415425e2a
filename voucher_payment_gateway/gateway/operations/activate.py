"""The activation of a voucher that is sold: from then on it can be redeemed, and its code is handed over."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.holds.control import is_elsewhere
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.refunded import announce_refund, refunded_fields
from voucher_payment_gateway.gateway.records.announce import announce_sale, request_review
from voucher_payment_gateway.gateway.records.payments import change_payment
from voucher_payment_gateway.gateway.records.sales import change_sale, delivery_fields, sale_of
from voucher_payment_gateway.gateway.records.vouchers import is_gone, voucher_of
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.rules.evidence import ABSENT, Evidence
from voucher_payment_gateway.signals import voucher_activated

__all__ = ["ACTIVATE"]


class ActivateHandler(OperationHandler):
    """Activate the voucher. Repeating it changes nothing, but its status is read first after a doubt."""

    kind = "activate"
    is_booking = False
    verifies_refusals = True

    def is_cancelled(self, operation: VoucherOperation) -> bool:
        """Return whether it was never sent and the voucher is to be taken back."""
        is_unwanted = VoucherSale.current.filter(pk=operation.sale_id, target="taken_back").exists()
        return operation.attempts == 0 and bool(is_unwanted)

    def call(self, operation: VoucherOperation) -> str:
        if operation.attempts > 1 and self.voucher_evidence(operation).verdict == "found":
            return operation.voucher_id
        comment = f"order {operation.order_number} is paid"
        cloud = voucher_cloud(operation.account)
        try:
            operation.remote_voucher = cloud.set_voucher_status(operation.voucher_id, "active", comment)
        except (RefusedError, CredentialsError) as error:
            if is_gone(operation.voucher_id, operation.account):
                raise _gone_error(operation, error) from None
            raise
        return operation.voucher_id

    def voucher_evidence(self, operation: VoucherOperation) -> Evidence:
        voucher = voucher_of(operation.voucher_id, operation.account)
        if voucher is None or voucher.status != "active":
            return ABSENT
        operation.remote_voucher = voucher
        return Evidence("found", operation.voucher_id)

    def is_recorded(self, operation: VoucherOperation) -> bool:
        """Return whether the sale is active, by this operation or another one."""
        return sale_of(operation).status == "active"

    def subject_changes(self, operation: VoucherOperation) -> Mapping[str, Any]:
        sale = sale_of(operation)
        is_wanted = {"due_at": None, **delivery_fields(sale)} if sale.target == "active" else {}
        return is_wanted | {
            "status": "active",
            "activated_at": timezone.now(),
            "valid_until": operation.remote_voucher.valid_until,
        }

    def on_succeeded(self, operation: VoucherOperation) -> None:
        """Record a voucher in place of a refund as what it is: the money has gone back now."""
        sale = sale_of(operation)
        if sale.replaces_refund is not None:
            payment = VoucherPayment.current.get(pk=sale.replaces_refund.payment_id)
            change_payment(payment, **refunded_fields(payment, sale.amount))
            announce_refund(payment, sale.amount)

    def announce(self, operation: VoucherOperation) -> None:
        """Tell the shop, unless the signal is what hands the code over: then it is sent with it."""
        sale = sale_of(operation)
        if sale.deliver_at and sale.valid_until and sale.valid_until <= sale.deliver_at:
            SaleEvents.expires_before_delivery.log(order_number=sale.order_number, sale=sale.pk)
        if sale.delivery != "signal":
            announce_sale(voucher_activated, sale, operation.amount, code="", pin="")

    def on_refused(self, operation: VoucherOperation) -> None:
        """Leave the voucher inactive and request a review: it is paid and cannot be redeemed."""
        change_sale(sale_of(operation), due_at=None)
        request_review(operation)


def _gone_error(operation: VoucherOperation, error: VoucherGatewayError) -> VoucherGatewayError:
    """Return the error that says why a voucher cannot be activated that is not there: it was deleted, or the API is not
    at this address."""
    if is_elsewhere(operation.account):
        return UnavailableError(code="address_wrong", http_status=error.http_status, api_code=error.api_code)
    return RefusedError(
        f"order {operation.order_number}: the gift voucher …{sale_of(operation).code_hint} was deleted at the Voucher "
        "Cloud and cannot be activated. Take it back, then sell the order another one under a new key, or refund what "
        "was paid for it. No money moved.",
        code="voucher_gone",
        http_status=error.http_status,
        api_code=error.api_code,
    )


ACTIVATE = ActivateHandler()
