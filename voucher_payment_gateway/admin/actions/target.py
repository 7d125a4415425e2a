"""What a clerk's action moves money of: an order with all its gift vouchers, or one payment of it."""

from dataclasses import dataclass
from typing import Any

from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import order_created_at
from voucher_payment_gateway.rules.timing import belongs_from

__all__ = ["Target", "of_order", "of_payment"]


@dataclass(frozen=True)
class Target:
    """``what`` is what the verbs take: the shop's order, or a payment. ``payments`` are those it is about."""

    number: str
    what: Any
    payments: list[VoucherPayment]

    @property
    def payment(self) -> VoucherPayment | None:
        """The payment, where it is about one alone."""
        return self.what if isinstance(self.what, VoucherPayment) else None

    @property
    def currency(self) -> str:
        return self.payments[0].currency if self.payments else ""


def of_order(number: str) -> Target | None:
    """Return the target of an order that the shop has; of one that is gone, its payments are dealt with one by one."""
    order = find_order(number) if number else None
    if order is None:
        return None
    payments = read_order(number).payments
    if created_at := order_created_at(order):
        payments = [payment for payment in payments if payment.created_at >= belongs_from(created_at)]
    return Target(number, order, payments)


def of_payment(pk: int) -> Target | None:
    """Return the target of one payment."""
    number = VoucherPayment.current.filter(pk=pk).values_list("order_number", flat=True).first()
    payments = read_order(number).matching(pk) if number else []
    return Target(payments[0].order_number, payments[0], payments) if payments else None
