"""What the shop's order gains: its vouchers' sums and reservation ids."""

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models.payment import PaymentQuerySet, VoucherPayment
from voucher_payment_gateway.models.reservation_ids import ReservationIdsField
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.tax import TaxMemo

__all__ = ["VoucherOrderMixin"]


class VoucherOrderMixin(models.Model):
    """Puts on the shop's order what its vouchers hold, have charged and have given back.

    The properties ask the database each time. ``voucher_reservation_ids`` lists every reservation id of the
    order, oldest first; only the gateway writes it, an ordinary ``save()`` leaves it as it is.
    """

    voucher_reservation_ids = ReservationIdsField(
        _("gift voucher reservation ids"), default=list, blank=True, editable=False
    )

    class Meta:
        abstract = True

    @property
    def voucher_payments(self) -> PaymentQuerySet:
        """The payments of this order, oldest first."""
        number = gateway_settings().order_adapter.number(self)
        return VoucherPayment.current.filter(order_number=number)

    @property
    def voucher_authorized(self) -> Decimal:
        """What reservations hold now."""
        return self.voucher_payments.sums()["authorized"]

    @property
    def voucher_captured(self) -> Decimal:
        """All that was charged, refunds not deducted."""
        return self.voucher_payments.sums()["captured"]

    @property
    def voucher_refunded(self) -> Decimal:
        """What went back to vouchers."""
        return self.voucher_payments.sums()["refunded"]

    @property
    def voucher_due(self) -> Decimal:
        """What of the total no voucher holds or paid: the part for another payment method, never below zero."""
        total: Decimal = gateway_settings().order_adapter.total(self)
        return max(total - self.voucher_payments.sums()["cover"], ZERO)

    @property
    def voucher_tax_memos(self) -> list[TaxMemo]:
        """For receipts: what was charged to vouchers whose VAT was paid at their sale, oldest first."""
        charged = self.voucher_payments.filter(amount_captured__gt=ZERO)
        return [payment.tax_memo for payment in charged if payment.tax_memo]
