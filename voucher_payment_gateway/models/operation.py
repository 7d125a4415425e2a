"""The operation: one call that may move money, and its outcome."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.models.conditions import IS_REFUSED_REFUND
from voucher_payment_gateway.models.current import CurrentForeignKey, CurrentManager
from voucher_payment_gateway.models.fields import ORDER_NUMBER_LENGTH, amount_field
from voucher_payment_gateway.models.idempotency_key import VoucherIdempotencyKey
from voucher_payment_gateway.models.payment import VoucherPayment
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet
from voucher_payment_gateway.models.sale import VoucherSale
from voucher_payment_gateway.rules.states import GIVES_BACK, MONEY_KINDS, OPEN_STATES

__all__ = ["VoucherOperation"]


REFUSED_LATELY = timedelta(days=30)
"""Refused refunds need a person this long: what was done about them may be known to people alone."""


class OperationQuerySet(PermanentQuerySet):
    """Operations; like all rows about money they are never deleted."""

    def of_payments(self, **conditions: Any) -> "OperationQuerySet":
        """Return the operations of payments that meet the conditions. Those of one order are found by an index that
        leaves out the operations of sales."""
        return self.filter(payment__isnull=False, **conditions)

    def on_voucher_of(self, operation: "VoucherOperation") -> "OperationQuerySet":
        """Return the operations on the same voucher: the same id of another account is another merchant's voucher."""
        return self.of_account(operation.account).filter(voucher_id=operation.voucher_id)

    def left_to_a_person(self) -> "OperationQuerySet":
        """Return the refunds that a person must see to: in review, or refused and nothing given in their place."""
        in_review = Q(kind__in=GIVES_BACK, state="manual")
        return self.filter(_is_refused_for_good() | in_review, payment__isnull=False)

    def refused_lately(self) -> "OperationQuerySet":
        """Return the refunds that were refused in the last 30 days, and nothing given in their place."""
        since = timezone.now() - REFUSED_LATELY
        return self.filter(_is_refused_for_good(), settled_at__gt=since, payment__isnull=False)

    def of_account(self, account: str) -> "OperationQuerySet":
        """Return the operations of payments and sales of this account."""
        return self.filter(Q(payment__account=account) | Q(sale__account=account))


def _is_refused_for_good() -> Q:
    """Return the condition of a refund that was refused and whose money did not go back in another way: no recharge, no
    new voucher, and not all of the payment by a later refund.

    A recharge answers for one refund alone, of several equal ones: it is written with the refusal that it follows, so
    none of the others was refused between the two.
    """
    same = {name: OuterRef(name) for name in ("payment", "target_id", "amount")}
    later = VoucherOperation.objects.filter(kind="refund", state="refused", **same).filter(
        settled_at__gt=OuterRef(OuterRef("settled_at")), settled_at__lte=OuterRef("created_at")
    )
    recharges = VoucherOperation.objects.filter(
        kind="recharge", created_at__gte=OuterRef("settled_at"), **same
    )
    given = recharges.exclude(Exists(later)).exclude(state__in=("refused", "not_applied", "manual"))
    vouchers = VoucherSale.objects.filter(replaces_refund=OuterRef("pk"), activated_at__isnull=False)
    is_left = Q(payment__amount_captured__gt=F("payment__amount_refunded"))
    return IS_REFUSED_REFUND & is_left & ~Exists(given) & ~Exists(vouchers)


class VoucherOperation(PermanentModel):
    """One call that may move money, stored before it is made and never deleted.

    ``amount_asked`` is the amount that the caller named for the whole call; None: as much as the order needs.

    It is one of a payment or of a sale, never of both. Those of the payments of an order are numbered 1, 2, … without a
    gap, and so are those of a sale: optimistic locking. A worker that decided on a stale view conflicts on the number,
    writes nothing, and retries.
    """

    class Kind(models.TextChoices):
        RESERVE = "reserve", _("reserve")
        CHARGE = "charge", _("charge")
        REFUND = "refund", _("refund")
        CANCEL = "cancel", pgettext_lazy("kind of an operation", "cancel")
        ISSUE = "issue", _("issue")
        ACTIVATE = "activate", _("activate")
        DEACTIVATE = "deactivate", _("deactivate")
        RECHARGE = "recharge", _("recharge")

    class State(models.TextChoices):
        DUE = "due", _("due")
        SENDING = "sending", _("sending")
        SUCCEEDED = "succeeded", _("succeeded")
        REFUSED = "refused", _("refused")
        UNKNOWN = "unknown", _("unknown")
        NOT_APPLIED = "not_applied", _("not applied")
        MANUAL = "manual", _("manual")

    payment: "CurrentForeignKey[VoucherPayment, VoucherPayment]" = CurrentForeignKey(  # type: ignore[misc]
        VoucherPayment, on_delete=models.PROTECT, related_name="operations", null=True, blank=True
    )
    sale: "CurrentForeignKey[VoucherSale | None, VoucherSale | None]" = CurrentForeignKey(
        VoucherSale, on_delete=models.PROTECT, related_name="operations", null=True, blank=True
    )
    idempotency_key: "CurrentForeignKey[VoucherIdempotencyKey | None, VoucherIdempotencyKey | None]" = (
        CurrentForeignKey(
            VoucherIdempotencyKey, on_delete=models.PROTECT, related_name="operations", null=True, blank=True
        )
    )
    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH)
    number = models.PositiveIntegerField(_("number"))
    voucher_id = models.CharField(_("voucher id"), max_length=255, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    amount = amount_field(_("amount"))
    amount_asked = amount_field(_("amount asked for"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=11, choices=State)
    waits = models.BooleanField(default=False, editable=False)
    claim = models.UUIDField(default=uuid.uuid4, editable=False)
    target_id = models.CharField(_("acts on"), max_length=255, blank=True)
    reference = models.CharField(_("order number sent"), max_length=96, blank=True)
    baseline = models.JSONField(_("refunds there before"), null=True, blank=True, editable=False)
    remote_id = models.CharField(_("remote id"), max_length=255, blank=True)
    late_answers = models.JSONField(_("answers that came too late"), default=list, blank=True, editable=False)
    error_code = models.CharField(_("error code"), max_length=100, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    actor = models.CharField(_("actor"), max_length=150, blank=True)
    reason = models.CharField(_("reason"), max_length=255, blank=True)
    concluded_by = models.CharField(_("concluded by"), max_length=150, blank=True)
    conclusion = models.CharField(_("conclusion"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    sending_at = models.DateTimeField(_("sending at"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    target_dead_at = models.DateTimeField(_("acts on what is dead at"), null=True, blank=True)
    fence_at = models.DateTimeField(_("fence at"), null=True, blank=True)
    absent_at = models.DateTimeField(_("absent at"), null=True, blank=True)
    refused_at = models.DateTimeField(_("repeat refused at"), null=True, blank=True)
    forbidden_at = models.DateTimeField(_("forbidden since"), null=True, blank=True)
    reread_at = models.DateTimeField(_("to be read again at"), null=True, blank=True)

    is_as_planned = False
    """Set only on an operation that its verb has just planned, outside of a transaction: its amount is that of the
    order which the caller gave, and is not planned again before it is sent."""

    archived_order: Any = None
    """Set only on an operation that is read from the archive: the row with which it was moved there."""

    bookings: Any = None
    """The bookings of the voucher, or the error of the read, where it was read ahead for this operation and others."""

    remote_voucher: Any = None
    """The voucher as the call, or a read after it, has just shown it; only on the object that made the call."""

    objects = OperationQuerySet.as_manager()
    current = CurrentManager.from_queryset(OperationQuerySet)()

    class Meta:
        verbose_name = _("gift voucher operation")
        verbose_name_plural = _("gift voucher operations")
        ordering = ("pk",)
        indexes = (
            models.Index(name="vpg_operation_voucher", fields=["voucher_id"]),
            models.Index(name="vpg_operation_created", fields=["created_at"]),
            models.Index(
                name="vpg_operation_sent", fields=["sending_at"], condition=Q(sending_at__isnull=False)
            ),
            models.Index(
                name="vpg_operation_settled", fields=["settled_at"], condition=Q(settled_at__isnull=False)
            ),
            models.Index(
                name="vpg_operation_due", fields=["state", "due_at"], condition=Q(state__in=OPEN_STATES)
            ),
            models.Index(name="vpg_operation_manual", fields=["settled_at"], condition=Q(state="manual")),
            models.Index(
                name="vpg_operation_reread", fields=["reread_at"], condition=Q(reread_at__isnull=False)
            ),
            models.Index(
                name="vpg_operation_refund_refused",
                fields=["settled_at"],
                condition=Q(kind="refund", state="refused"),
            ),
            models.Index(name="vpg_operation_concluded", fields=["payment"], condition=~Q(concluded_by="")),
        )
        constraints = (
            models.UniqueConstraint(
                name="vpg_operation_number",
                fields=("order_number", "number"),
                condition=Q(payment__isnull=False),
            ),
            models.UniqueConstraint(
                name="vpg_operation_number_of_sale",
                fields=("sale", "number"),
                condition=Q(sale__isnull=False),
            ),
            models.UniqueConstraint(
                name="vpg_operation_one_open_per_sale",
                fields=("sale",),
                condition=Q(state__in=OPEN_STATES, sale__isnull=False),
            ),
            models.CheckConstraint(
                name="vpg_operation_payment_or_sale",
                condition=Q(payment__isnull=False, sale__isnull=True)
                | Q(payment__isnull=True, sale__isnull=False),
            ),
            models.UniqueConstraint(
                name="vpg_operation_one_open_per_voucher",
                fields=("voucher_id",),
                condition=Q(state__in=OPEN_STATES, kind__in=MONEY_KINDS, waits=False),
            ),
            models.UniqueConstraint(
                name="vpg_operation_booking_once",
                fields=("remote_id",),
                condition=Q(kind__in=MONEY_KINDS) & ~Q(remote_id=""),
            ),
            models.UniqueConstraint(
                name="vpg_operation_reference",
                fields=("voucher_id", "reference"),
                condition=Q(kind__in=("charge", "recharge")),
            ),
            models.CheckConstraint(
                name="vpg_operation_money",
                condition=~Q(kind__in=MONEY_KINDS) | (Q(amount__gt=0) & ~Q(voucher_id="")),
            ),
            models.CheckConstraint(
                name="vpg_operation_booked_has_id",
                condition=~Q(kind__in=MONEY_KINDS, state="succeeded") | ~Q(remote_id=""),
            ),
            models.CheckConstraint(
                name="vpg_operation_state",
                condition=Q(
                    state__in=("due", "sending", "succeeded", "refused", "unknown", "not_applied", "manual")
                ),
            ),
        )

    @property
    def is_unverified(self) -> bool:
        """Whether it is due again after a clear "no" that no read of the bookings has confirmed yet."""
        return self.state == "due" and self.refused_at is not None

    @property
    def is_archived(self) -> bool:
        """Whether it is read from the archive: it is not in the ledger any more."""
        return self.archived_order is not None

    @property
    def account(self) -> str:
        """The name of the merchant account of its payment or sale, whose credentials every call about it uses."""
        return self.subject.account

    @property
    def subject(self) -> VoucherPayment | VoucherSale:
        """The payment or the sale that it is about."""
        return self.payment if self.payment_id else self.sale  # type: ignore[return-value]

    def __str__(self) -> str:
        amount = with_code(self.amount, self.currency)
        kind, state = self.get_kind_display(), self.get_state_display()
        return f"{self.order_number} #{self.number}: {kind} {amount} ({state})"
