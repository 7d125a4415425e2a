"""The difference: a discrepancy between our ledger and the Voucher Cloud's, found by ``reconcile``."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.models.current import CurrentForeignKey, CurrentManager
from voucher_payment_gateway.models.fields import ACCOUNT_LENGTH, ORDER_NUMBER_LENGTH, amount_field
from voucher_payment_gateway.models.operation import VoucherOperation
from voucher_payment_gateway.models.payment import VoucherPayment
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet
from voucher_payment_gateway.models.sale import VoucherSale

__all__ = ["VoucherDifference"]


class VoucherDifference(PermanentModel):
    """One discrepancy between the ledgers; reported by each run until it is gone or a person explains it.

    ``amount_ours`` and ``amount_theirs`` are in units of ``currency``; None where that side has no booking.
    """

    class Kind(models.TextChoices):
        OURS_ONLY = "ours_only", _("ours, not theirs")
        THEIRS_ONLY = "theirs_only", _("theirs, not ours")
        DIFFERS = "differs", _("differs")
        REFUND_BY_HAND = "refund_by_hand", _("refund by hand")
        HOLD_LEFT_OPEN = "hold_left_open", _("hold left open")
        NOT_COMPARED = "not_compared", _("not compared")
        ORDER_GONE = "order_gone", _("order gone")
        ORDER_CANCELLED = "order_cancelled", _("order cancelled")
        ORDER_OVERPAID = "order_overpaid", _("order overpaid")
        VOUCHER_GONE = "voucher_gone", _("voucher gone")
        VOUCHER_STATUS = "voucher_status", _("voucher in another status")

    kind = models.CharField(_("kind"), max_length=15, choices=Kind)
    account = models.CharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True)
    voucher_id = models.CharField(_("voucher id"), max_length=255)
    code_hint = models.CharField(_("code ends with"), max_length=4, blank=True)
    remote_id = models.CharField(_("remote id"), max_length=255, blank=True)
    booking_type = models.CharField(_("booking"), max_length=255, blank=True)
    booked_at = models.DateTimeField(_("booked at"), null=True, blank=True)
    client_id = models.CharField(_("booked by client"), max_length=255, blank=True)
    reference = models.CharField(_("order number there"), max_length=255, blank=True)
    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH, blank=True)
    payment = CurrentForeignKey(
        VoucherPayment, on_delete=models.PROTECT, related_name="differences", null=True, blank=True
    )
    sale = CurrentForeignKey(
        VoucherSale, on_delete=models.PROTECT, related_name="differences", null=True, blank=True
    )
    operation = CurrentForeignKey(
        VoucherOperation, on_delete=models.PROTECT, related_name="differences", null=True, blank=True
    )
    amount_ours = amount_field(_("amount, ours"), null=True, blank=True)
    amount_theirs = amount_field(_("amount, theirs"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    sentence = models.TextField(_("what differs"))
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    gone_at = models.DateTimeField(_("gone at"), null=True, blank=True)
    explained_at = models.DateTimeField(_("explained at"), null=True, blank=True)
    explained_by = models.CharField(_("explained by"), max_length=150, blank=True)
    explanation = models.TextField(_("explanation"), blank=True)

    objects = PermanentQuerySet.as_manager()
    current = CurrentManager.from_queryset(PermanentQuerySet)()

    class Meta:
        verbose_name = _("gift voucher difference")
        verbose_name_plural = _("gift voucher differences")
        ordering = ("voucher_id", "pk")
        indexes = (
            models.Index(
                name="vpg_difference_open",
                fields=["voucher_id"],
                condition=models.Q(gone_at__isnull=True, explained_at__isnull=True),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                name="vpg_difference_once", fields=("account", "voucher_id", "kind", "remote_id")
            ),
        )

    def __str__(self) -> str:
        return f"{self.voucher_id} …{self.code_hint}: {self.sentence}"

    @property
    def is_open(self) -> bool:
        """Whether the last run found it and no person has explained it."""
        return self.gone_at is None and self.explained_at is None

    @property
    def is_new(self) -> bool:
        """Whether the run that found it last was the first to find it."""
        return self.first_seen_at == self.last_seen_at
