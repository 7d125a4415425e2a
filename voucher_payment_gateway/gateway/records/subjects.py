"""What an operation is about: a payment or a sale."""

from typing import Any

from voucher_payment_gateway.gateway.records.payments import change_payment
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["change_subject"]


def change_subject(operation: VoucherOperation, **changes: Any) -> None:
    """Update the payment or sale of ``operation``; raise ConflictError where another writer changed it since it was
    read."""
    if operation.sale is not None:
        change_sale(operation.sale, **changes)
    else:
        change_payment(operation.payment, **changes)
