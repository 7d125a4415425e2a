"""The shop's other payment method: a pretended card processor that can be told to fail.

It stands for any processor with two steps: authorise (may be given back without a trace), then capture.
"""

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["CardError", "CardPayment"]


class CardError(Exception):
    """The processor said no; the customer's money is where it was."""


class CardPayment(models.Model):
    """What a card pays of an order."""

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

    def __str__(self) -> str:
        return f"{self.order}: {self.amount} ({self.status})"

    @classmethod
    def authorise(cls, order: models.Model, amount: Decimal, behaviour: str) -> "CardPayment":
        """Set ``amount`` aside on the card, in place of what was set aside before. Raises CardError."""
        cls.objects.filter(order=order).update(status=cls.Status.VOIDED)
        if behaviour == cls.Behaviour.DECLINED:
            raise CardError
        given = {"amount": amount, "behaviour": behaviour, "status": cls.Status.AUTHORISED}
        return cls.objects.update_or_create(order=order, defaults=given)[0]

    def capture(self) -> None:
        """Charge what was set aside, once however often it is called. Raises CardError."""
        fails = self.behaviour == self.Behaviour.FAILS_LATER
        self._move(self.Status.AUTHORISED, self.Status.FAILED if fails else self.Status.CAPTURED)
        if self.status != self.Status.CAPTURED:
            raise CardError

    def void(self) -> None:
        """Give back what was set aside; a card that was charged already is left alone."""
        self._move(self.Status.AUTHORISED, self.Status.VOIDED)

    def _move(self, status: str, to: str) -> None:
        CardPayment.objects.filter(pk=self.pk, status=status).update(status=to)
        self.refresh_from_db()
