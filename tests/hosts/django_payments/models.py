"""The order of the shop, and its payments: one row for each means of payment."""

from django.db import models
from django.urls import reverse
from payments import PurchasedItem
from payments.models import BasePayment


class Order(models.Model):
    number = models.CharField(max_length=20, unique=True)
    total = models.DecimalField(max_digits=9, decimal_places=2)

    def __str__(self):
        return self.number

    @property
    def due(self):
        """What no payment holds, or was charged, yet."""
        paid = self.payments.filter(status__in=("preauth", "confirmed"))
        return self.total - sum((payment.total for payment in paid), 0)


class Payment(BasePayment):
    order = models.ForeignKey(Order, models.PROTECT, related_name="payments")

    def get_purchased_items(self):
        yield PurchasedItem(
            f"order {self.order}", 1, price=self.total, currency=self.currency, sku=str(self.order)
        )

    def get_success_url(self):
        return reverse("paid", args=[self.order.number])

    def get_failure_url(self):
        return reverse("not-paid", args=[self.order.number])
