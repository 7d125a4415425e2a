"""Payments, operations, differences, and the mixin for the shop's order. Only ``gateway`` writes these rows."""

from voucher_payment_gateway.models.difference import VoucherDifference
from voucher_payment_gateway.models.operation import VoucherOperation
from voucher_payment_gateway.models.order_mixin import VoucherOrderMixin
from voucher_payment_gateway.models.payment import VoucherPayment

__all__ = ["VoucherDifference", "VoucherOperation", "VoucherOrderMixin", "VoucherPayment"]
