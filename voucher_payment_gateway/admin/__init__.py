"""Django's admin for payments, sales and differences: nothing about money is edited by hand."""

from voucher_payment_gateway.admin.differences import VoucherDifferenceAdmin
from voucher_payment_gateway.admin.payments import VoucherPaymentAdmin

__all__ = ["VoucherDifferenceAdmin", "VoucherPaymentAdmin"]
