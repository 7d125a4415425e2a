"""Django's admin for payments, sales, differences, requests for refunds, closed periods, what vouchers owe and notices
to staff, and the pages of a clerk.

Nothing about money is edited by hand. ``VoucherOrderAdminMixin`` is for the shop's own ``OrderAdmin``.
"""

from voucher_payment_gateway.admin.approvals import VoucherApprovalAdmin
from voucher_payment_gateway.admin.differences import VoucherDifferenceAdmin
from voucher_payment_gateway.admin.liability import VoucherLiabilityAdmin
from voucher_payment_gateway.admin.notices import VoucherStaffNoticeAdmin
from voucher_payment_gateway.admin.orders import VoucherOrderAdminMixin
from voucher_payment_gateway.admin.payments import VoucherPaymentAdmin
from voucher_payment_gateway.admin.periods import VoucherClosedPeriodAdmin
from voucher_payment_gateway.admin.sales import VoucherSaleAdmin

__all__ = [
    "VoucherApprovalAdmin",
    "VoucherClosedPeriodAdmin",
    "VoucherDifferenceAdmin",
    "VoucherLiabilityAdmin",
    "VoucherOrderAdminMixin",
    "VoucherPaymentAdmin",
    "VoucherSaleAdmin",
    "VoucherStaffNoticeAdmin",
]
