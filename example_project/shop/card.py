"""The shop's other payment method: a fake card processor with failures to choose from.

It stands for any processor with two steps: authorise (can be voided without cost), then capture.
"""

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["CardError", "CardPayment"]


class CardError(Exception):
    """The processor refused; no money moved."""


class CardPayment(models.Model):
    """The part of an order that a card pays."""

    class Behaviour(models.TextChoices):
        WORKS = "works", _("a card that works")
        DECLINED = "declined", _("a card that is declined")
        FAILS_LATER = "fails", _("a card that fails when it is charged")

    class Status(models.TextChoices):
        AUTHORISED = "authorised", _("authorised")
        CAPTURED = "captured", _("charged")
        VOIDED = "voided", _("given back")
        FAILED = "failed", _("failed")

    order = models.OneToOneField("shop.Order", on_delete=models.CASCADE, related_name="card")
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    behaviour = models.CharField(max_length=10, choices=Behaviour)
    status = models.CharField(max_length=10, choices=Status)
    refunded = models.DecimalField(max_digits=9, decimal_places=2, default=Decimal("0.00"))

    def __str__(self) -> str:
        return f"{self.order}: {self.amount} ({self.status})"

    @classmethod
    def authorise(cls, order: models.Model, amount: Decimal, behaviour: str) -> "CardPayment":
        """Authorise ``amount`` in place of an earlier one; a charged card stays as it is. Raises CardError."""
        charged = cls.objects.filter(order=order, status=cls.Status.CAPTURED).first()
        if charged is not None:
            return charged
        cls.objects.filter(order=order).update(status=cls.Status.VOIDED)
        if behaviour == cls.Behaviour.DECLINED:
            raise CardError
        given = {"amount": amount, "behaviour": behaviour, "status": cls.Status.AUTHORISED}
        return cls.objects.update_or_create(order=order, defaults=given)[0]

    def capture(self) -> None:
        """Charge the authorised amount; idempotent. Raises CardError."""
        fails = self.behaviour == self.Behaviour.FAILS_LATER
        self._move(self.Status.AUTHORISED, self.Status.FAILED if fails else self.Status.CAPTURED)
        if self.status != self.Status.CAPTURED:
            raise CardError

    def void(self) -> None:
        """Void the authorisation; a charged card is not changed."""
        self._move(self.Status.AUTHORISED, self.Status.VOIDED)

    def refund(self, total: Decimal) -> None:
        """Refund a charged card up to ``total`` in all; idempotent, and never more than was paid."""
        wanted = min(total, self.amount)
        charged = CardPayment.objects.filter(pk=self.pk, status=self.Status.CAPTURED, refunded__lt=wanted)
        charged.update(refunded=wanted)
        self.refresh_from_db()

    def _move(self, status: str, to: str) -> None:
        CardPayment.objects.filter(pk=self.pk, status=status).update(status=to)
        self.refresh_from_db()
