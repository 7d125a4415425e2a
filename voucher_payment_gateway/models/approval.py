"""The approval: a refund that a clerk asked for, and that a second person has to approve."""

from datetime import datetime

from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.models.current import CurrentForeignKey, CurrentManager
from voucher_payment_gateway.models.fields import ORDER_NUMBER_LENGTH, amount_field
from voucher_payment_gateway.models.idempotency_key import VoucherIdempotencyKey
from voucher_payment_gateway.models.payment import VoucherPayment
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet

__all__ = ["ApprovalQuerySet", "VoucherApproval"]


class ApprovalQuerySet(PermanentQuerySet):
    """Requests for approval."""

    def waiting(self, now: datetime | None = None) -> "ApprovalQuerySet":
        """Return those that may still be approved."""
        waiting: ApprovalQuerySet = self.filter(outcome="open", expires_at__gt=now or timezone.now())
        return waiting

    def to_decide(self, now: datetime | None = None) -> "ApprovalQuerySet":
        """Return those, and what was approved within its time and not carried out, since the process ended: it is
        carried out by approving it again."""
        unfinished = Q(outcome="approved") & ~_was_carried_out()
        to_decide: ApprovalQuerySet = self.filter(expires_at__gt=now or timezone.now())
        return to_decide.filter(Q(outcome="open") | unfinished)

    def with_call(self) -> "ApprovalQuerySet":
        """Add ``was_carried_out``: whether the refund was written, so that it was made or follows by itself."""
        annotated: ApprovalQuerySet = self.annotate(was_carried_out=_was_carried_out())
        return annotated


def _was_carried_out() -> Exists:
    call = {name: OuterRef(name) for name in ("order_number", "verb")}
    key = Concat(Value("admin:"), OuterRef("key"))
    return Exists(VoucherIdempotencyKey.objects.filter(**call, key=key))


class VoucherApproval(PermanentModel):
    """A refund of ``amount``, in units of ``currency``, that one person asked for in the admin and another one decides.

    ``verb`` is ``refund``, or ``cancel`` where the gift vouchers are to be taken off as well; ``payment`` is empty
    where it is about the whole order. Once approved, the verb runs with ``key``: once, however often it is repeated.
    """

    class Outcome(models.TextChoices):
        OPEN = "open", _("open")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH)
    payment: "CurrentForeignKey[VoucherPayment | None, VoucherPayment | None]" = CurrentForeignKey(
        VoucherPayment, on_delete=models.PROTECT, related_name="approvals", null=True, blank=True
    )
    verb = models.CharField(_("verb"), max_length=20)
    amount = amount_field(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    key = models.CharField(_("idempotency key"), max_length=255)
    requester_id = models.CharField(_("id of who asked"), max_length=100)
    requested_by = models.CharField(_("asked by"), max_length=150)
    reason = models.CharField(_("reason"), max_length=255)
    requested_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("expires at"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome, default=Outcome.OPEN)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    conclusion = models.CharField(_("conclusion"), max_length=255, blank=True)

    was_carried_out: bool
    """Set only by the queries that need it."""

    objects = ApprovalQuerySet.as_manager()
    current = CurrentManager.from_queryset(ApprovalQuerySet)()

    class Meta:
        verbose_name = _("gift voucher refund to approve")
        verbose_name_plural = _("gift voucher refunds to approve")
        ordering = ("pk",)
        permissions = (("approve_voucherapproval", _("Can approve refunds that another person asked for")),)
        constraints = (
            models.UniqueConstraint(name="vpg_approval_once", fields=("order_number", "key")),
            models.CheckConstraint(name="vpg_approval_amount", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="vpg_approval_decided",
                condition=Q(outcome="open", decided_at=None)
                | (Q(outcome__in=("approved", "rejected"), decided_at__isnull=False) & ~Q(decided_by="")),
            ),
        )
        indexes = (models.Index(name="vpg_approval_waiting", fields=["outcome", "expires_at"]),)

    def __str__(self) -> str:
        return f"{self.order_number}: {self.verb} {self.amount} {self.currency} ({self.outcome})"

    @property
    def is_waiting(self) -> bool:
        """Whether it may still be approved."""
        return self.outcome == "open" and self.expires_at > timezone.now()

    @property
    def was_dropped(self) -> bool:
        """Whether it was approved and not carried out in time, since the process ended: nothing was refunded, and
        nothing will be. For requests ``with_call``."""
        is_over = self.outcome == "approved" and self.expires_at <= timezone.now()
        return is_over and not self.was_carried_out

    @property
    def is_withdrawn(self) -> bool:
        """Whether the person who asked has withdrawn it: nothing else about it is decided by them."""
        return self.outcome == "rejected" and self.decided_by == self.requested_by
