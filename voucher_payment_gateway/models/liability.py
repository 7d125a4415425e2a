"""The daily snapshot: what the vouchers sold still owe at the end of a day."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.models.current import CurrentManager
from voucher_payment_gateway.models.fields import ACCOUNT_LENGTH
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet

__all__ = ["FIGURES", "VoucherLiability"]

FIGURES = ("sold", "topped_up", "redeemed", "refunded", "taken_back", "expired", "outstanding", "breakage")


def _sum_field(name: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(name, max_digits=16, decimal_places=2, default=0)


class VoucherLiability(PermanentModel):
    """The figures of one day, account, currency and batch, of vouchers whose whole life is in our records.

    ``outstanding`` is what is left on them at the end of the day, in units of ``currency``; ``breakage`` is the part of
    it on vouchers that have expired. The other sums are what happened on that day.
    """

    day = models.DateField(_("day"))
    account = models.CharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    batch = models.CharField(_("batch"), max_length=30, blank=True)
    sold = _sum_field(_("sold"))
    topped_up = _sum_field(_("topped up"))
    redeemed = _sum_field(_("redeemed"))
    refunded = _sum_field(_("refunded"))
    taken_back = _sum_field(_("taken back"))
    expired = _sum_field(_("expired on this day"))
    outstanding = _sum_field(_("outstanding"))
    breakage = _sum_field(_("breakage"))

    objects = PermanentQuerySet.as_manager()
    current = CurrentManager.from_queryset(PermanentQuerySet)()

    class Meta:
        verbose_name = _("gift voucher liability")
        verbose_name_plural = _("gift voucher liability")
        ordering = ("day", "account", "currency", "batch")
        constraints = (
            models.UniqueConstraint(
                name="vpg_liability_once", fields=("day", "account", "currency", "batch")
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.batch}: {self.outstanding} {self.currency}"
