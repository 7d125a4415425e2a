"""Payments, their operations, and what the shop's order gains. Only ``gateway`` writes these rows."""

import uuid
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.money import CENT, ZERO
from voucher_payment_gateway.permanent_rows import PermanentModel, PermanentQuerySet
from voucher_payment_gateway.reservation_ids import ReservationIdsField
from voucher_payment_gateway.rules.states import LIVE_STATUSES, MONEY_KINDS, OPEN_STATES

__all__ = ["VoucherOperation", "VoucherOrderMixin", "VoucherPayment"]

ORDER_NUMBER_LENGTH = 64


def amount_field(name: Any, **options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(name, max_digits=9, decimal_places=2, **options)


def _count(operations: models.QuerySet[Any]) -> models.QuerySet[Any, Any]:
    counted: models.QuerySet[Any, Any] = (
        operations.order_by().values("order_number").annotate(count=Count("pk")).values("count")
    )
    return counted


class PaymentQuerySet(PermanentQuerySet):
    """Payments with what a decision needs to know of their operations, in one statement."""

    def for_decision(self, order_number: str) -> "PaymentQuerySet":
        """Return the payments of an order, oldest first, with ``has_open_operation`` of each (one that books and
        is not decided, a charge left to a person included) and, of the order, ``last_number`` and
        ``charge_count``."""
        operations = VoucherOperation.objects.filter(order_number=OuterRef("order_number"))
        undecided = Q(kind__in=MONEY_KINDS, state__in=OPEN_STATES) | Q(kind="charge", state="manual")
        is_open = VoucherOperation.objects.filter(undecided, payment=OuterRef("pk"))
        payments: PaymentQuerySet = self.filter(order_number=order_number).annotate(
            has_open_operation=Exists(is_open),
            last_number=Coalesce(Subquery(operations.order_by("-number").values("number")[:1]), 0),
            charge_count=Coalesce(Subquery(_count(operations.filter(kind="charge"))), 0),
        )
        return payments.order_by("pk")

    def sums(self) -> dict[str, Decimal]:
        """Return ``authorized``, ``captured`` and ``refunded`` of these payments, and what they ``cover``."""
        found = self.aggregate(
            authorized=Sum("amount_authorized"),
            captured=Sum("amount_captured"),
            refunded=Sum("amount_refunded"),
            cover=Sum(F("amount_authorized") + F("amount_captured"), filter=~Q(status="cancelled")),
        )
        return {name: (value or ZERO).quantize(CENT) for name, value in found.items()}


class VoucherPayment(PermanentModel):
    """One voucher paying (part of) one order.

    ``amount_authorized`` is what its reservation holds now, ``amount_captured`` all that was charged and
    ``amount_refunded`` what of that went back, each in units of ``currency`` with two places.
    """

    class Status(models.TextChoices):
        SELECTED = "selected", _("selected")
        AUTHORIZED = "authorized", _("authorized")
        CAPTURED = "captured", _("captured")
        REFUNDED = "refunded", _("refunded")
        CANCELLED = "cancelled", _("cancelled")
        LAPSED = "lapsed", _("lapsed")
        FAILED = "failed", _("failed")

    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH, db_index=True)
    currency = models.CharField(_("currency"), max_length=3)
    voucher_id = models.CharField(_("voucher id"), max_length=255, blank=True)
    code_hint = models.CharField(_("code ends with"), max_length=4)
    code_fingerprint = models.CharField(max_length=64, editable=False)
    sealed_code = models.TextField(blank=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status)
    amount_authorized = amount_field(_("authorized"), default=ZERO)
    amount_captured = amount_field(_("captured"), default=ZERO)
    amount_refunded = amount_field(_("refunded"), default=ZERO)
    reservation_id = models.CharField(_("reservation id"), max_length=255, blank=True)
    reserved_until = models.DateTimeField(_("reserved until"), null=True, blank=True)
    reservation_dead_at = models.DateTimeField(_("reservation dead at"), null=True, blank=True)
    taxable = models.BooleanField(_("VAT paid at sale"), null=True, blank=True)
    tax_rate = models.DecimalField(_("VAT rate"), max_digits=5, decimal_places=2, null=True, blank=True)
    cancel_requested_at = models.DateTimeField(_("cancel requested at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = PaymentQuerySet.as_manager()

    has_open_operation: bool
    """Only on payments read by ``for_decision``."""

    class Meta:
        verbose_name = _("gift voucher payment")
        verbose_name_plural = _("gift voucher payments")
        ordering = ("pk",)
        constraints = (
            models.CheckConstraint(
                name="vpg_payment_sums",
                condition=Q(amount_authorized__gte=0)
                & Q(amount_refunded__gte=0)
                & Q(amount_captured__gte=F("amount_refunded")),
            ),
            models.CheckConstraint(
                name="vpg_payment_holds_if_authorized",
                condition=(Q(status="authorized", amount_authorized__gt=0) & ~Q(reservation_id=""))
                | (~Q(status="authorized") & Q(amount_authorized=0)),
            ),
            models.CheckConstraint(
                name="vpg_payment_status",
                condition=Q(status__in=("authorized", "selected", "lapsed", "failed"))
                | Q(status="captured", amount_captured__gt=0)
                | Q(status="refunded", amount_captured__gt=0, amount_refunded=F("amount_captured"))
                | Q(status="cancelled", amount_refunded=F("amount_captured")),
            ),
            models.UniqueConstraint(
                name="vpg_payment_one_per_code",
                fields=("order_number", "code_fingerprint"),
                condition=Q(status__in=LIVE_STATUSES),
            ),
            models.UniqueConstraint(
                name="vpg_payment_one_per_voucher",
                fields=("order_number", "voucher_id"),
                condition=Q(status="authorized"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.order_number}: gift voucher …{self.code_hint}"

    def __repr__(self) -> str:
        return f"<VoucherPayment {self.pk} order={self.order_number!r} status={self.status!r}>"

    @property
    def pending(self) -> bool:
        """Whether an operation of this payment is open or its outcome unknown."""
        return self.operations.filter(state__in=OPEN_STATES).exists()

    @property
    def amount_refundable(self) -> Decimal:
        """What of the charged amount has not gone back yet; operations in flight are not counted."""
        left: Decimal = self.amount_captured - self.amount_refunded
        return left


class VoucherOperation(PermanentModel):
    """One call that may move money, written down before it is made and never deleted.

    The operations of an order are numbered 1, 2, … without a gap. Who decides on an outdated view of the order
    collides on the number, writes nothing, and decides anew: that is what keeps two tabs apart without a lock.
    """

    class Kind(models.TextChoices):
        RESERVE = "reserve", _("reserve")
        CHARGE = "charge", _("charge")
        REFUND = "refund", _("refund")
        CANCEL = "cancel", _("cancel")
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

    payment = models.ForeignKey(
        VoucherPayment, on_delete=models.PROTECT, related_name="operations", null=True, blank=True
    )
    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH)
    number = models.PositiveIntegerField(_("number"))
    voucher_id = models.CharField(_("voucher id"), max_length=255, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    amount = amount_field(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=11, choices=State)
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
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    sending_at = models.DateTimeField(_("sending at"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    target_dead_at = models.DateTimeField(_("acts on what is dead at"), null=True, blank=True)
    fence_at = models.DateTimeField(_("fence at"), null=True, blank=True)
    absent_at = models.DateTimeField(_("absent at"), null=True, blank=True)
    refused_at = models.DateTimeField(_("repeat refused at"), null=True, blank=True)
    reread_at = models.DateTimeField(_("to be read again at"), null=True, blank=True)

    objects = PermanentQuerySet.as_manager()

    class Meta:
        verbose_name = _("gift voucher operation")
        verbose_name_plural = _("gift voucher operations")
        ordering = ("pk",)
        indexes = (
            models.Index(name="vpg_operation_due", fields=["due_at"], condition=Q(state__in=OPEN_STATES)),
            models.Index(
                name="vpg_operation_reread", fields=["reread_at"], condition=Q(reread_at__isnull=False)
            ),
        )
        constraints = (
            models.UniqueConstraint(name="vpg_operation_number", fields=("order_number", "number")),
            models.UniqueConstraint(
                name="vpg_operation_one_open_per_voucher",
                fields=("voucher_id",),
                condition=Q(state__in=OPEN_STATES, kind__in=MONEY_KINDS),
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

    def __str__(self) -> str:
        return f"{self.order_number} #{self.number}: {self.kind} {self.amount} {self.currency} ({self.state})"


class VoucherOrderMixin(models.Model):
    """Puts on the shop's order what its vouchers hold, have charged and have given back.

    The properties ask the database each time. ``voucher_reservation_ids`` lists every reservation id of the
    order, oldest first; only the gateway writes it, an ordinary ``save()`` leaves it as it is.
    """

    voucher_reservation_ids = ReservationIdsField(
        _("gift voucher reservation ids"), default=list, blank=True, editable=False
    )

    class Meta:
        abstract = True

    @property
    def voucher_payments(self) -> PaymentQuerySet:
        """The payments of this order, oldest first."""
        number = gateway_settings().order_adapter.number(self)
        return VoucherPayment.objects.filter(order_number=number)

    @property
    def voucher_authorized(self) -> Decimal:
        """What reservations hold now."""
        return self.voucher_payments.sums()["authorized"]

    @property
    def voucher_captured(self) -> Decimal:
        """All that was charged, refunds not deducted."""
        return self.voucher_payments.sums()["captured"]

    @property
    def voucher_refunded(self) -> Decimal:
        """What went back to vouchers."""
        return self.voucher_payments.sums()["refunded"]

    @property
    def voucher_due(self) -> Decimal:
        """What of the total no voucher holds or paid: the part for another payment method, never below zero."""
        total: Decimal = gateway_settings().order_adapter.total(self)
        return max(total - self.voucher_payments.sums()["cover"], ZERO)
