"""The payment: one voucher paying (part of) one order."""

from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.models.conditions import (
    ENDED_WITHOUT_CODE,
    IS_MANUAL,
    IS_OPEN,
    IS_UNPAID,
    IsLiteral,
)
from voucher_payment_gateway.models.current import CurrentManager
from voucher_payment_gateway.models.fields import ACCOUNT_LENGTH, ORDER_NUMBER_LENGTH, amount_field
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet
from voucher_payment_gateway.money import CENT, ZERO
from voucher_payment_gateway.rules.states import HELD_BEFORE, LIVE_STATUSES, NOT_ENDED, OPEN_STATES
from voucher_payment_gateway.rules.tax import TaxMemo, tax_memo
from voucher_payment_gateway.rules.timing import belongs_from

__all__ = ["PaymentQuerySet", "VoucherPayment"]


class PaymentQuerySet(PermanentQuerySet):
    """Payments, and their sums."""

    def of_order(self, number: str, created_at: datetime | None) -> "PaymentQuerySet":
        """Return those of this order; older ones belong to an order that had the same number before."""
        payments: PaymentQuerySet = self.filter(order_number=number)
        return payments.filter(created_at__gte=belongs_from(created_at)) if created_at else payments

    def with_open_charge(self) -> "PaymentQuerySet":
        """Add ``open_charge``: the amount of a charge whose outcome is open, or left to a person."""
        operations = self.model._meta.get_field("operations").related_model
        # literals: SQLite compares parameters with the conditions of partial indexes, and prepares again each time
        charges = operations.objects.filter(Q(IS_OPEN) | Q(IS_MANUAL), IsLiteral(F("kind"), "charge"))
        sums = charges.filter(payment=OuterRef("pk")).order_by().values("payment").annotate(sum=Sum("amount"))
        counted: PaymentQuerySet = self.annotate(
            open_charge=Coalesce(Subquery(sums.values("sum")), Value(ZERO), output_field=amount_field(""))
        )
        return counted

    def unpaid(self) -> "PaymentQuerySet":
        """Return the confirmed payments that ended without what was agreed: their orders are not paid as the customer
        was promised. One that was cancelled was dealt with. ``rules.cover.is_unpaid`` as a query."""
        return self.with_open_charge().filter(IS_UNPAID, open_charge=ZERO)

    def needing_attention(self) -> "PaymentQuerySet":
        """Return the payments that a person must see to, whatever signal was lost: those that are ``unpaid``, and those
        with an operation that a person has to decide, or a refund that was refused in the last 30 days and whose money
        did not go back in another way."""
        operations = self.model._meta.get_field("operations").related_model.objects.order_by()
        manual = operations.filter(IS_MANUAL, payment__isnull=False).values("payment")
        refused = operations.refused_lately().values("payment")
        unpaid = self.model._default_manager.unpaid().order_by().values("pk")
        found = unpaid.union(manual, refused).order_by()  # an index each; with OR every payment would be read
        return self.with_open_charge().filter(pk__in=found)

    def sums(self) -> dict[str, Decimal]:
        """Return the sums ``authorized``, ``captured`` and ``refunded``."""
        found = self.aggregate(
            authorized=Sum("amount_authorized"),
            captured=Sum("amount_captured"),
            refunded=Sum("amount_refunded"),
        )
        return {name: (value or ZERO).quantize(CENT) for name, value in found.items()}


class VoucherPayment(PermanentModel):
    """One voucher paying (part of) one order.

    ``amount_agreed`` is the amount that the customer agreed to pay with it, ``amount_authorized`` the one that its
    reservation holds now, ``amount_captured`` the one charged, and ``amount_refunded`` the part of that refunded.
    Each is in units of ``currency``, with two places; ``.00`` in a currency without decimals.

    ``account`` names the merchant account of ``ACCOUNTS`` whose voucher it is; empty for the only one of a shop.
    ``has_order_row``: whether it was made for a row of ``ORDER_MODEL``, and not for ``OrderFacts`` alone.
    From ``confirmed_at`` on the shop relies on the agreed amount, whether it is held at present or not.
    ``confirmation`` counts the confirmations of its voucher, over all orders: two at the same moment conflict.
    ``ended_at`` and ``end_reason`` say when and why it lapsed or failed.
    """

    class Status(models.TextChoices):
        SELECTED = "selected", _("selected")
        AUTHORIZED = "authorized", _("authorized")
        CAPTURED = "captured", _("captured")
        REFUNDED = "refunded", _("refunded")
        CANCELLED = "cancelled", _("cancelled")
        LAPSED = "lapsed", _("lapsed")
        FAILED = "failed", _("failed")

    class EndReason(models.TextChoices):
        EXPIRED = "expired", _("expired")
        TAKEN_OVER = "taken_over", _("taken over by another order")
        REFUSED = "refused", _("refused")

    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH, db_index=True)
    account = models.CharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True, editable=False)
    has_order_row = models.BooleanField(_("paid for a stored order"), default=False, editable=False)
    currency = models.CharField(_("currency"), max_length=3)
    voucher_id = models.CharField(_("voucher id"), max_length=255, blank=True)
    code_hint = models.CharField(_("code ends with"), max_length=4)
    code_fingerprint = models.CharField(max_length=64, editable=False)
    sealed_code = models.TextField(blank=True, editable=False)
    code_kept_until = models.DateTimeField(_("code kept until"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    confirmation = models.PositiveIntegerField(null=True, blank=True, editable=False)
    amount_agreed = amount_field(_("agreed"), default=ZERO)
    amount_limit = amount_field(_("at most"), null=True, blank=True)
    amount_authorized = amount_field(_("authorized"), default=ZERO)
    amount_captured = amount_field(_("captured"), default=ZERO)
    amount_refunded = amount_field(_("refunded"), default=ZERO)
    reservation_id = models.CharField(_("reservation id"), max_length=255, blank=True)
    reserved_until = models.DateTimeField(_("reserved until"), null=True, blank=True)
    renew_at = models.DateTimeField(null=True, blank=True, editable=False)
    reservation_dead_at = models.DateTimeField(_("reservation dead at"), null=True, blank=True)
    taxable = models.BooleanField(_("VAT paid at sale"), null=True, blank=True)
    tax_rate = models.DecimalField(_("VAT rate"), max_digits=5, decimal_places=2, null=True, blank=True)
    cancel_requested_at = models.DateTimeField(_("cancel requested at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    end_reason = models.CharField(_("ended because"), max_length=10, choices=EndReason, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = PaymentQuerySet.as_manager()
    current = CurrentManager.from_queryset(PaymentQuerySet)()

    replaced_reservation_id = ""
    """The reservation that the recorded one has replaced, on the object that was given the new one."""

    has_open_operation: bool
    was_refused: bool
    open_charge: Decimal
    """These are set only by the queries that need them."""

    class Meta:
        verbose_name = _("gift voucher payment")
        verbose_name_plural = _("gift voucher payments")
        ordering = ("pk",)
        permissions = (
            ("capture_voucherpayment", _("Can charge gift vouchers for an order")),
            ("refund_voucherpayment", _("Can refund to gift vouchers")),
            ("cancel_voucherpayment", _("Can take gift vouchers off an order")),
        )
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
                condition=Q(status__in=HELD_BEFORE) & ~Q(voucher_id=""),
            ),
            models.UniqueConstraint(
                name="vpg_payment_confirmation",
                fields=("account", "voucher_id", "confirmation"),
                condition=Q(confirmation__isnull=False),
            ),
        )
        indexes = (
            models.Index(
                name="vpg_payment_dead", fields=["reservation_dead_at"], condition=Q(status="authorized")
            ),
            models.Index(name="vpg_payment_ending", fields=["renew_at"], condition=Q(status__in=HELD_BEFORE)),
            models.Index(
                name="vpg_payment_wish",
                fields=["cancel_requested_at"],
                condition=Q(cancel_requested_at__isnull=False, status__in=NOT_ENDED),
            ),
            models.Index(
                name="vpg_payment_code_kept", fields=["code_kept_until"], condition=~Q(sealed_code="")
            ),
            models.Index(name="vpg_payment_code", fields=["code_fingerprint"]),
            models.Index(name="vpg_payment_voucher", fields=["voucher_id"]),
            models.Index(
                name="vpg_payment_recent", fields=["updated_at", "id"], condition=Q(status__in=NOT_ENDED)
            ),
            models.Index(
                name="vpg_payment_unpaid",
                fields=["id"],
                condition=Q(
                    confirmed_at__isnull=False,
                    cancel_requested_at__isnull=True,
                    amount_agreed__gt=F("amount_captured"),
                )
                & (Q(status="failed") | Q(sealed_code="", status__in=ENDED_WITHOUT_CODE)),
            ),
            models.Index(name="vpg_payment_failed", fields=["id"], condition=Q(status="failed")),
        )

    def __str__(self) -> str:
        words = {"order": self.order_number, "hint": self.code_hint}
        return str(_("%(order)s: gift voucher …%(hint)s") % words)

    def __repr__(self) -> str:
        return f"<VoucherPayment {self.pk} order={self.order_number!r} status={self.status!r}>"

    @property
    def pending(self) -> bool:
        """Whether an operation of this payment is due, in flight or unknown."""
        return bool(self.operations.filter(state__in=OPEN_STATES).exists())

    @property
    def amount_chargeable(self) -> Decimal:
        """The amount agreed and not charged yet, whether it is held at present or not."""
        left: Decimal = self.amount_agreed - self.amount_captured
        return max(left, ZERO)

    @property
    def may_hold_more(self) -> bool:
        """Whether it may hold more than it does: neither its whole balance is held, nor the amount asked for."""
        return self.amount_limit is None or self.amount_authorized < self.amount_limit

    @property
    def amount_refundable(self) -> Decimal:
        """The amount charged and not refunded; refunds in flight are not counted."""
        left: Decimal = self.amount_captured - self.amount_refunded
        return left

    @property
    def tax_memo(self) -> TaxMemo | None:
        """The amounts divided into net and VAT; None if no VAT was paid at the sale, or its rate is unknown."""
        if not self.taxable or self.tax_rate is None:
            return None
        unit = smallest_unit(self.currency)
        return tax_memo(self.amount_captured, self.amount_refunded, self.tax_rate, unit)
