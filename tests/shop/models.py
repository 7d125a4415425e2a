"""The smallest shop: one order model with the gateway's column, and others that differ from it."""

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


class OrderLine(models.Model):
    """What the order costs in parts; the admin sums it up into the order's total."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    amount = models.DecimalField(max_digits=9, decimal_places=2)

    def __str__(self):
        return f"{self.order_id}: {self.amount}"


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


class GiftOrder(Order):
    """An order with a table of its own beside that of ``Order``."""

    greeting = models.CharField(max_length=50, blank=True)


class OpenOrder(Order):
    class Meta:
        proxy = True


class VisibleManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(is_deleted=False)


class StoreOrder(models.Model):
    """An order whose number is unique only within its store, and which is hidden instead of deleted."""

    store = models.CharField(max_length=10)
    number = models.CharField(max_length=64)
    total = models.DecimalField(max_digits=9, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")
    is_deleted = models.BooleanField(default=False)

    visible = VisibleManager()

    class Meta:
        base_manager_name = "visible"
        constraints = (models.UniqueConstraint(name="shop_order_of_store", fields=("store", "number")),)

    def __str__(self):
        return self.number
