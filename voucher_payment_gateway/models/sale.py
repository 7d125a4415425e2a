"""The sale: one voucher that the shop sells or gives."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Cast, Concat, Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.models.current import CurrentForeignKey, CurrentManager
from voucher_payment_gateway.models.fields import ACCOUNT_LENGTH, ORDER_NUMBER_LENGTH, amount_field
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet
from voucher_payment_gateway.rules.tax import TaxShare, tax_share
from voucher_payment_gateway.rules.timing import belongs_from

__all__ = [
    "ADDRESS_LENGTH",
    "KEY_LENGTH",
    "MESSAGE_LENGTH",
    "RESERVED_KEYS",
    "SaleQuerySet",
    "VoucherSale",
    "mint_voucher_id",
]

KEY_LENGTH = 255
MESSAGE_LENGTH = 1000
ADDRESS_LENGTH = 254
"""Of an e-mail address, as in the column: Django's own validator allows more."""

RESERVED_KEYS = ("credit:", "refund:")
"""How the keys of vouchers begin that are given and not sold: no voucher that the shop sells may have such a key."""

DELETED = "deleted "
"""How the key of a sale begins whose order was deleted; its primary key, a colon and the former key follow."""

KEY_IS_FREE = ("unpaid", "replaced", "refused")
"""Reasons after which the order may be sold a new voucher under the same key."""


def mint_voucher_id() -> str:
    """Return a new id for a voucher. It is written before the voucher is created, so a creation that is repeated is
    recognised."""
    return f"vpg-{uuid.uuid4().hex}"


class SaleQuerySet(PermanentQuerySet):
    """Sales of vouchers."""

    def of_order(self, number: str, created_at: datetime | None = None) -> "SaleQuerySet":
        """Return those of this order; older ones, and those of an order that was deleted, belong to one that had the
        same number before. All of a number are found by ``order_number``."""
        mark = Concat(Value(DELETED), Cast("pk", models.CharField()), Value(": "))
        sales: SaleQuerySet = self.filter(order_number=number).exclude(key__startswith=mark)
        return sales.filter(created_at__gte=belongs_from(created_at)) if created_at else sales

    def standing(self) -> "SaleQuerySet":
        """Return the sales that stand for what the order sold: not those that a new voucher may follow."""
        standing: SaleQuerySet = self.exclude(end_reason__in=KEY_IS_FREE)
        return standing


class VoucherSale(PermanentModel):
    """One voucher that is sold or given, worth ``amount`` in units of ``currency``.

    ``status`` is what the voucher is, ``target`` what the shop wants it to be; ``settle`` brings it there. Its
    ``voucher_id`` is an id of our own, written before the voucher is created. The code is stored sealed until it was
    handed over, then erased. ``key`` is the shop's own and unique per order.
    """

    class Status(models.TextChoices):
        ORDERED = "ordered", _("ordered")
        ISSUED = "issued", _("issued")
        ACTIVE = "active", pgettext_lazy("status of a gift voucher", "active")
        TAKEN_BACK = "taken_back", _("taken back")
        FAILED = "failed", _("failed")

    class Target(models.TextChoices):
        ISSUED = "issued", _("issued")
        ACTIVE = "active", pgettext_lazy("status of a gift voucher", "active")
        TAKEN_BACK = "taken_back", _("taken back")

    class Origin(models.TextChoices):
        SOLD = "sold", _("sold")
        CREDIT = "credit", _("store credit")
        REFUND = "refund", _("in place of a refund")
        BULK = "bulk", _("issued in bulk")
        IMPORTED = "imported", _("imported")
        TOPPED_UP = "topped_up", _("known by a top-up")

    class EndReason(models.TextChoices):
        RETURNED = "returned", _("returned")
        UNPAID = "unpaid", _("not paid")
        REPLACED = "replaced", _("replaced")
        REFUSED = "refused", _("refused")

    class Delivery(models.TextChoices):
        MAIL = "mail", _("by mail")
        SIGNAL = "signal", _("by the shop")
        PAGE = "page", _("on a page")
        NONE = "none", _("not delivered")

    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH, db_index=True)
    account = models.CharField(_("account"), max_length=ACCOUNT_LENGTH, blank=True, editable=False)
    key = models.CharField(_("key"), max_length=KEY_LENGTH)
    origin = models.CharField(_("origin"), max_length=9, choices=Origin, default=Origin.SOLD)
    voucher_id = models.CharField(_("voucher id"), max_length=255, default=mint_voucher_id)
    amount = amount_field(_("amount"))
    amount_topped_up = amount_field(_("topped up"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ORDERED)
    target = models.CharField(_("wanted status"), max_length=10, choices=Target, default=Target.ISSUED)
    end_reason = models.CharField(_("ended because"), max_length=8, choices=EndReason, blank=True)
    version = models.PositiveIntegerField(default=0, editable=False)
    code_hint = models.CharField(_("code ends with"), max_length=4, blank=True)
    code_fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    sealed_code = models.TextField(blank=True, editable=False)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    validity_value = models.PositiveIntegerField(_("validity"), null=True, blank=True)
    validity_interval = models.CharField(_("validity in"), max_length=6, blank=True)
    sku = models.CharField(_("SKU"), max_length=255, blank=True)
    batch = models.CharField(_("batch"), max_length=30, blank=True)
    taxable = models.BooleanField(_("VAT paid at sale"), null=True, blank=True)
    tax_rate = models.DecimalField(_("VAT rate"), max_digits=5, decimal_places=2, null=True, blank=True)
    recipient_email = models.EmailField(_("recipient"), blank=True)
    recipient_name = models.CharField(_("recipient's name"), max_length=150, blank=True)
    message = models.TextField(_("message"), max_length=MESSAGE_LENGTH, blank=True)
    language = models.CharField(_("language"), max_length=15, blank=True)
    delivery = models.CharField(_("delivery"), max_length=6, choices=Delivery, default=Delivery.MAIL)
    deliver_at = models.DateTimeField(_("deliver at"), null=True, blank=True)
    deliver_due_at = models.DateTimeField(_("next delivery at"), null=True, blank=True)
    delivery_attempts = models.PositiveIntegerField(_("attempts to deliver"), default=0)
    delivery_error = models.CharField(_("delivery failed by"), max_length=100, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded at"), null=True, blank=True)
    due_at = models.DateTimeField(_("next step at"), null=True, blank=True, editable=False)
    actor = models.CharField(_("actor"), max_length=150, blank=True)
    reason = models.CharField(_("reason"), max_length=255, blank=True)
    replaces_refund = CurrentForeignKey(
        "VoucherOperation", on_delete=models.PROTECT, related_name="replacements", null=True, blank=True
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    issued_at = models.DateTimeField(_("issued at"), null=True, blank=True)
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)
    taken_back_at = models.DateTimeField(_("taken back at"), null=True, blank=True)

    objects = SaleQuerySet.as_manager()
    current = CurrentManager.from_queryset(SaleQuerySet)()

    class Meta:
        verbose_name = _("gift voucher sale")
        verbose_name_plural = _("gift voucher sales")
        ordering = ("pk",)
        permissions = (
            ("resend_vouchersale", _("Can send a sold gift voucher again")),
            ("take_back_vouchersale", _("Can take a sold gift voucher back")),
        )
        constraints = (
            models.UniqueConstraint(name="vpg_sale_voucher", fields=("account", "voucher_id")),
            models.UniqueConstraint(
                name="vpg_sale_key",
                fields=("order_number", "key"),
                condition=~Q(end_reason__in=KEY_IS_FREE),
            ),
            models.UniqueConstraint(
                name="vpg_sale_replaces_refund_once",
                fields=("replaces_refund",),
                condition=Q(replaces_refund__isnull=False),
            ),
            models.CheckConstraint(
                name="vpg_sale_amounts", condition=Q(amount__gte=0) & Q(amount_topped_up__gte=0)
            ),
            models.CheckConstraint(
                name="vpg_sale_status",
                condition=Q(status__in=("ordered", "issued", "active", "taken_back", "failed"))
                & Q(target__in=("issued", "active", "taken_back")),
            ),
        )
        indexes = (
            models.Index(name="vpg_sale_due", fields=["due_at"], condition=Q(due_at__isnull=False)),
            models.Index(
                name="vpg_sale_deliver", fields=["deliver_due_at"], condition=Q(deliver_due_at__isnull=False)
            ),
            models.Index(
                name="vpg_sale_unpaid",
                fields=["created_at"],
                condition=Q(target="issued", status__in=("ordered", "issued")),
            ),
            models.Index(
                name="vpg_sale_expiring",
                fields=["valid_until"],
                condition=Q(status="active", reminded_at__isnull=True),
            ),
            models.Index(name="vpg_sale_code", fields=["code_fingerprint"]),
            models.Index(name="vpg_sale_updated", fields=["updated_at", "id"]),
            models.Index(
                name="vpg_sale_failed",
                fields=["updated_at"],
                condition=Q(status="failed") | Q(status="issued", target="active", due_at__isnull=True),
            ),
            models.Index(name="vpg_sale_not_sold", fields=["origin", "id"], condition=~Q(origin="sold")),
            models.Index(
                Lower("recipient_email"), name="vpg_sale_recipient", condition=~Q(recipient_email="")
            ),
        )

    def __str__(self) -> str:
        words = {"order": self.order_number, "hint": self.code_hint}
        return str(_("%(order)s: sold gift voucher …%(hint)s") % words)

    def __repr__(self) -> str:
        return f"<VoucherSale {self.pk} order={self.order_number!r} status={self.status!r}>"

    @property
    def tax_share(self) -> TaxShare | None:
        """Its worth divided into net and the VAT that is paid at its sale: at ``tax_rate`` for a single-purpose
        voucher, none for a multi-purpose one. None where its kind, or the rate, is not known."""
        if self.taxable is None or (self.taxable and self.tax_rate is None):
            return None
        rate = self.tax_rate if self.taxable and self.tax_rate is not None else Decimal(0)
        return tax_share(self.amount, rate, smallest_unit(self.currency))

    @property
    def deleted_key(self) -> str:
        """Its key once its order is deleted: the order that gets the number again may have the former one."""
        mark = f"{DELETED}{self.pk}: "
        return self.key if self.key.startswith(mark) else f"{mark}{self.key}"[:KEY_LENGTH]

    @property
    def pending(self) -> bool:
        """Whether it is not yet what the shop wants it to be, or its code was not handed over yet."""
        is_undelivered = self.delivered_at is None and self.deliver_due_at is not None
        return self.due_at is not None or is_undelivered
