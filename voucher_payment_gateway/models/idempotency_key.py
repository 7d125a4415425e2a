"""The idempotency key: one call of a verb, which happens once however often it is repeated."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.models.current import CurrentManager
from voucher_payment_gateway.models.fields import ORDER_NUMBER_LENGTH, amount_field
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet

__all__ = ["VoucherIdempotencyKey"]


class VoucherIdempotencyKey(PermanentModel):
    """The key that the caller gave to one call of a verb, unique per order and verb.

    It is written in the transaction of the call's operations, which refer to it. ``amount`` is the one that the call
    named, None where it named none.
    """

    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH)
    verb = models.CharField(_("verb"), max_length=20)
    key = models.CharField(_("idempotency key"), max_length=255)
    amount = amount_field(_("amount"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = PermanentQuerySet.as_manager()
    current = CurrentManager.from_queryset(PermanentQuerySet)()

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = (models.UniqueConstraint(name="vpg_key_once", fields=("order_number", "verb", "key")),)

    def __str__(self) -> str:
        return self.key
