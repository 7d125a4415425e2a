from django.db import models

from voucher_payment_gateway.models import VoucherOrderMixin


class Order(VoucherOrderMixin, models.Model):
    number = models.CharField(max_length=20, unique=True)
    total = models.DecimalField(max_digits=9, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")

    def __str__(self) -> str:
        return self.number


def current_order(request):
    return Order.objects.filter(number=request.headers.get("X-Order", "")).first()
