"""Payments, sales, operations, differences, and the mixin for the shop's order. Only ``gateway`` writes these rows;
the closed periods, the daily figures and the archive are written by ``books``, the approvals by ``admin``."""

from voucher_payment_gateway.models.approval import VoucherApproval
from voucher_payment_gateway.models.archive import VoucherArchivedOperation, VoucherArchivedOrder
from voucher_payment_gateway.models.closed_period import VoucherClosedPeriod
from voucher_payment_gateway.models.difference import VoucherDifference
from voucher_payment_gateway.models.idempotency_key import VoucherIdempotencyKey
from voucher_payment_gateway.models.liability import VoucherLiability
from voucher_payment_gateway.models.operation import VoucherOperation
from voucher_payment_gateway.models.order_mixin import VoucherOrderMixin
from voucher_payment_gateway.models.payment import VoucherPayment
from voucher_payment_gateway.models.sale import VoucherSale
from voucher_payment_gateway.models.staff_notice import VoucherStaffCase, VoucherStaffNotice
from voucher_payment_gateway.models.state import VoucherGatewayState

__all__ = [
    "VoucherApproval",
    "VoucherArchivedOperation",
    "VoucherArchivedOrder",
    "VoucherClosedPeriod",
    "VoucherDifference",
    "VoucherGatewayState",
    "VoucherIdempotencyKey",
    "VoucherLiability",
    "VoucherOperation",
    "VoucherOrderMixin",
    "VoucherPayment",
    "VoucherSale",
    "VoucherStaffCase",
    "VoucherStaffNotice",
]
