"""The closed period: a span of the books in which reconciliation left no difference unexplained."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.models.current import CurrentManager
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet

__all__ = ["VoucherClosedPeriod"]


class VoucherClosedPeriod(PermanentModel):
    """A period that was closed, with its figures as they were then.

    ``since`` is in it, ``until`` is not. ``figures`` has the number of bookings and their sum by kind and currency;
    ``digest`` changes with any of the rows. ``changed_at`` is when other figures were seen first, which are
    ``changed_figures``: empty while they are as they were.
    """

    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until, not included"))
    figures = models.JSONField(_("figures"))
    digest = models.CharField(_("digest"), max_length=64)
    closed_at = models.DateTimeField(_("closed at"))
    closed_by = models.CharField(_("closed by"), max_length=150)
    changed_at = models.DateTimeField(_("changed since"), null=True, blank=True)
    changed_figures = models.JSONField(_("figures now"), null=True, blank=True)

    objects = PermanentQuerySet.as_manager()
    current = CurrentManager.from_queryset(PermanentQuerySet)()

    class Meta:
        verbose_name = _("closed gift voucher period")
        verbose_name_plural = _("closed gift voucher periods")
        ordering = ("-since",)
        permissions = (("export_voucherbookings", _("Can export the gift voucher bookings")),)
        constraints = (
            models.UniqueConstraint(name="vpg_period_once", fields=("since", "until")),
            models.CheckConstraint(name="vpg_period_order", condition=models.Q(since__lt=models.F("until"))),
        )

    def __str__(self) -> str:
        zone = timezone.get_default_timezone()
        return f"{self.since.astimezone(zone).isoformat()} – {self.until.astimezone(zone).isoformat()}"
