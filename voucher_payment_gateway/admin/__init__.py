"""Django's admin for payments, sales, differences and what vouchers owe: nothing about money is edited by hand."""

from voucher_payment_gateway.admin.differences import VoucherDifferenceAdmin
from voucher_payment_gateway.admin.liability import VoucherLiabilityAdmin
from voucher_payment_gateway.admin.payments import VoucherPaymentAdmin
from voucher_payment_gateway.admin.sales import VoucherSaleAdmin

__all__ = ["VoucherDifferenceAdmin", "VoucherLiabilityAdmin", "VoucherPaymentAdmin", "VoucherSaleAdmin"]
