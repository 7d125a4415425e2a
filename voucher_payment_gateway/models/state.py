"""Facts about this database as a whole, one row each."""

from django.db import models

from voucher_payment_gateway.models.current import CurrentManager

__all__ = ["VoucherGatewayState"]


class VoucherGatewayState(models.Model):
    """A named value: which instance this database belongs to, and where a sweep goes on."""

    name = models.CharField(max_length=50, primary_key=True)
    value = models.CharField(max_length=255)

    objects = models.Manager()
    current = CurrentManager()

    class Meta:
        verbose_name = "gift voucher gateway state"

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
