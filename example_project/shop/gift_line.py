"""A gift voucher in an order: a new one for somebody, or money added to one that the customer has."""

from datetime import datetime, time

from django.db import models
from django.utils import timezone

from voucher_payment_gateway.models import VoucherSale

__all__ = ["GiftLine"]

DELIVERY_HOUR = 8


class GiftLine(models.Model):
    """A gift voucher of an order; with ``top_up``, the primary key of a voucher sale, money for that one."""

    order = models.ForeignKey("shop.Order", on_delete=models.CASCADE, related_name="gift_lines")
    amount = models.DecimalField(max_digits=7, decimal_places=2)
    recipient_email = models.EmailField(blank=True)
    recipient_name = models.CharField(max_length=80, blank=True)
    message = models.TextField(max_length=500, blank=True)
    deliver_on = models.DateField(null=True, blank=True)
    language = models.CharField(max_length=15, blank=True)
    top_up = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.order}: gift voucher worth {self.amount}"

    @property
    def deliver_at(self) -> datetime | None:
        """The morning of ``deliver_on`` where the shop is; None: as soon as the voucher is paid."""
        if self.deliver_on is None:
            return None
        return timezone.make_aware(
            datetime.combine(self.deliver_on, time(DELIVERY_HOUR)), timezone.get_default_timezone()
        )

    @property
    def topped_up_sale(self) -> VoucherSale | None:
        """The voucher sale that this line tops up, or None."""
        return VoucherSale.objects.filter(pk=self.top_up).first() if self.top_up else None

    @property
    def hint(self) -> str:
        """The last characters of the code that this line tops up, or nothing."""
        sale = self.topped_up_sale
        return sale.code_hint if sale else ""
