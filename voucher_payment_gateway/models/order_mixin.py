"""The mixin for the shop's order: the sums and reservation ids of its vouchers."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models.compiled import CompiledQuery
from voucher_payment_gateway.models.current import current_alias
from voucher_payment_gateway.models.payment import PaymentQuerySet, VoucherPayment
from voucher_payment_gateway.models.sale import SaleQuerySet, VoucherSale
from voucher_payment_gateway.money import ZERO, signed_total
from voucher_payment_gateway.reservation_ids import ReservationIdsField
from voucher_payment_gateway.rules.cover import counted, due, outstanding
from voucher_payment_gateway.rules.tax import TaxMemo

__all__ = ["VoucherOrderMixin", "connect"]

Worth = Callable[[Any], Decimal]

_connected: list[Worth] = []


def connect(worth: Worth) -> None:
    """Ask ``worth``, of a higher layer, what the gift vouchers are worth that an order sells."""
    _connected[:] = [worth]


class VoucherOrderMixin(models.Model):
    """Gives the shop's order the amounts that its vouchers hold, have charged and have refunded.

    Each property queries the database on every access. ``voucher_reservation_ids`` lists, for each voucher of the
    order, oldest first, the id of the reservation that holds it now or held it last; only the gateway writes it, an
    ordinary ``save()`` does not change it.
    """

    voucher_reservation_ids = ReservationIdsField(
        _("gift voucher reservation ids"), default=list, blank=True, editable=False
    )

    class Meta:
        abstract = True

    @property
    def voucher_payments(self) -> PaymentQuerySet:
        """The payments of this order, oldest first."""
        adapter = gateway_settings().order_adapter
        return VoucherPayment.current.of_order(adapter.number(self), adapter.created_at(self))

    @property
    def voucher_sales(self) -> SaleQuerySet:
        """The vouchers that this order sold or gave, oldest first."""
        adapter = gateway_settings().order_adapter
        return VoucherSale.current.of_order(adapter.number(self), adapter.created_at(self))

    @property
    def voucher_authorized(self) -> Decimal:
        """The amount that reservations hold now."""
        return self.voucher_payments.sums()["authorized"]

    @property
    def voucher_captured(self) -> Decimal:
        """The amount charged, refunds not deducted."""
        return self.voucher_payments.sums()["captured"]

    @property
    def voucher_refunded(self) -> Decimal:
        """The amount refunded to vouchers."""
        return self.voucher_payments.sums()["refunded"]

    @property
    def voucher_due(self) -> Decimal:
        """The part of the total for another payment method: not paid, held or agreed by vouchers, never below zero.
        Gift vouchers that the order sells are due in any case: ``SOLD_VOUCHERS`` is asked where vouchers are to be
        charged.

        Raises AmountError if the total is no number with at most two decimals, such as a float, None or a Money.
        """
        settings = gateway_settings()
        payments = self._payments_with_open_charge()
        total = signed_total(settings.order_adapter.total(self))
        sold = ZERO
        if any(outstanding(payment) for payment in payments):
            sold = sum((worth(self) for worth in _connected), ZERO)
        return due(total, counted(payments, total - sold, settings.TOTAL_AFTER_RETURN))

    @property
    def voucher_tax_memos(self) -> list[TaxMemo]:
        """For receipts: the charges to vouchers whose VAT was paid at their sale, oldest first."""
        charged = self.voucher_payments.filter(amount_captured__gt=ZERO)
        return [payment.tax_memo for payment in charged if payment.tax_memo]

    def _payments_with_open_charge(self) -> list[VoucherPayment]:
        """Return ``voucher_payments.with_open_charge()``, by a query that is composed once: pages show what is due of
        every order, and most orders have no vouchers."""
        adapter = gateway_settings().order_adapter
        if adapter.created_at(self):  # its number may have been used before
            return list(self.voucher_payments.with_open_charge())
        return _OF_ORDER.rows(current_alias(VoucherPayment), str(adapter.number(self) or ""))


_OF_ORDER = CompiledQuery(
    lambda number: VoucherPayment.objects.filter(order_number=number).with_open_charge()
)
