"""An operation of a sale, not saved yet."""

from typing import Any

from voucher_payment_gateway.gateway.records.sales import next_number
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

__all__ = ["draft_step"]


def draft_step(sale: VoucherSale, kind: str, **fields: Any) -> VoucherOperation:
    """Return the operation of this kind on the voucher of ``sale``; ``fields`` replace what the sale says."""
    given = {"amount": sale.amount, "actor": sale.actor, "reason": sale.reason} | fields
    return VoucherOperation(
        sale=sale,
        order_number=sale.order_number,
        voucher_id=sale.voucher_id,
        kind=kind,
        currency=sale.currency,
        number=next_number(sale),
        **given,
    )
