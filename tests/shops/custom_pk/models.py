"""An order with a UUID as its key, and a number of its own in a field of another name."""

import secrets
import uuid

from django.db import models

from voucher_payment_gateway.models import VoucherOrderMixin


def new_reference() -> str:
    return f"2026/{secrets.token_hex(4).upper()}"


class Purchase(VoucherOrderMixin, models.Model):
    uid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=20, unique=True, default=new_reference)
    gross = models.DecimalField(max_digits=9, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")

    def __str__(self) -> str:
        return self.reference


def current(request):
    return Purchase.objects.filter(pk=request.session.get("purchase")).first()
