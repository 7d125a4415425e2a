from django.db import models

from voucher_payment_gateway.models import VoucherOrderMixin


class Order(VoucherOrderMixin, models.Model):
    number = models.CharField(max_length=20, unique=True)
    total = models.DecimalField(max_digits=9, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")
    status = models.CharField(max_length=10, default="draft")

    def __str__(self) -> str:
        return self.number


def current(request):
    return Order.objects.filter(pk=request.session.get("order")).first()
