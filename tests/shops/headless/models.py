"""An order that its customer's app knows by a token: no session, no messages, no templates of the shop's own."""

from django.db import models

from tests.shops.recipes import run
from voucher_payment_gateway.models import VoucherOrderMixin


class Order(VoucherOrderMixin, models.Model):
    number = models.CharField(max_length=20, unique=True)
    total = models.DecimalField(max_digits=9, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")
    status = models.CharField(max_length=10, default="draft")
    token = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.number


run("A headless shop", globals(), "def current_order")
