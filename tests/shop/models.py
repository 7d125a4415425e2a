"""The smallest shop: one order model with the gateway's column, one without."""

from django.db import models

from voucher_payment_gateway.models import VoucherOrderMixin


class Order(VoucherOrderMixin, models.Model):
    number = models.CharField(max_length=64, unique=True)
    total = models.DecimalField(max_digits=9, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")
    status = models.CharField(max_length=20, default="new")
    note = models.CharField(max_length=50, blank=True)

    def __str__(self):
        return self.number


class Invoice(models.Model):
    """An order model without the gateway's mixin, with other field names."""

    reference = models.CharField(max_length=64, unique=True)
    gross = models.DecimalField(max_digits=9, decimal_places=2)
    state = models.CharField(max_length=20, default="new")

    class Meta:
        ordering = ("pk",)

    def __str__(self):
        return self.reference

    @property
    def money(self):
        return "EUR"
