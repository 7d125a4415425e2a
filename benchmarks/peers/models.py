"""The payment of django-payments."""

from django.db import models
from payments.models import BasePayment

__all__ = ["Payment"]


class Payment(BasePayment):
    order_number = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return self.order_number
