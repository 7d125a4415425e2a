"""Orders that ended long ago."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

__all__ = ["BEFORE", "YEAR", "age", "before", "spend"]

YEAR = timedelta(days=365)
BEFORE = timedelta(days=200)


def spend(shop, code, amount, number):
    order = shop.order(amount, number=number)
    gateway.authorize(order, code)
    gateway.capture(order)
    return order


def age():
    """Move all that was done so far a year into the past, as far as the archive goes by it."""
    for model, names in (
        (VoucherOperation, ("created_at", "sending_at", "settled_at")),
        (VoucherPayment, ("created_at", "updated_at", "code_kept_until")),
        (VoucherSale, ("created_at", "updated_at", "valid_until")),
    ):
        model.objects.update(**{name: F(name) - YEAR for name in names})
    gateway.settle()
    VoucherOperation.objects.update(reread_at=None)
    VoucherPayment.objects.update(updated_at=F("created_at"))


def before():
    return timezone.now() - BEFORE
