"""The order number of what a verb is given: an order, or a payment of it."""

from typing import Any

from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import known_number

__all__ = ["number_for_log", "number_of"]


def number_of(order: Any) -> str:
    """Return the number, "" where no payment can have it. Raises PaymentStateError where it is no order."""
    return str(order.order_number) if isinstance(order, VoucherPayment) else known_number(order)


def number_for_log(order: Any) -> str:
    """Return the number; "" also where it is no order: the error that is logged may be just that."""
    try:
        return number_of(order)
    except PaymentStateError:
        return ""
