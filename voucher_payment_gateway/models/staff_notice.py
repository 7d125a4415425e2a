"""Cases that need a person, and the notices by which staff was told of them."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.models.current import CurrentManager
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet

__all__ = ["VoucherStaffCase", "VoucherStaffNotice"]


class VoucherStaffCase(PermanentModel):
    """One case that needs a person, from when a run of ``settle`` found it until one found it gone.

    ``subject_id`` is the primary key of its operation, payment, sale, difference or approval, by ``kind``. A case that
    comes back is the next ``episode`` of its subject. The cases that one run found are told together: their ``batch``.
    """

    kind = models.CharField(_("kind"), max_length=11)
    subject_id = models.BigIntegerField(_("number of its row"))
    episode = models.PositiveIntegerField(_("episode"))
    batch = models.UUIDField(_("batch"), editable=False, db_index=True)
    found_at = models.DateTimeField(_("found at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = PermanentQuerySet.as_manager()
    current = CurrentManager.from_queryset(PermanentQuerySet)()

    class Meta:
        verbose_name = _("case for staff")
        verbose_name_plural = _("cases for staff")
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(name="vpg_staff_case_once", fields=("kind", "subject_id", "episode")),
            models.UniqueConstraint(
                name="vpg_staff_case_one_open",
                fields=("kind", "subject_id"),
                condition=Q(ended_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}-{self.subject_id}-{self.episode}"


class VoucherStaffNotice(PermanentModel):
    """One mail or webhook about the cases of a ``batch``, written before it is sent.

    ``due_at`` is the next attempt, or the end of the lease of the worker that is sending it; empty once nothing is to
    be sent any more: it was sent, given up, its cases had ended before, or its channel is not set any more.
    """

    class Channel(models.TextChoices):
        MAIL = "mail", _("mail")
        WEBHOOK = "webhook", _("webhook")

    batch = models.UUIDField(_("batch"), editable=False)
    channel = models.CharField(_("channel"), max_length=7, choices=Channel)
    claim = models.UUIDField(default=uuid.uuid4, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    error = models.CharField(_("failed by"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created at"))
    due_at = models.DateTimeField(_("next attempt at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    given_up_at = models.DateTimeField(_("given up at"), null=True, blank=True)

    objects = PermanentQuerySet.as_manager()
    current = CurrentManager.from_queryset(PermanentQuerySet)()

    class Meta:
        verbose_name = _("notice to staff")
        verbose_name_plural = _("notices to staff")
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(name="vpg_staff_notice_once", fields=("batch", "channel")),)
        indexes = (
            models.Index(name="vpg_staff_notice_due", fields=["due_at"], condition=Q(due_at__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.batch}"
