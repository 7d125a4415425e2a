"""The archive: operations of orders that ended long ago, out of the way of what is read every minute."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.models.current import CurrentForeignKey, CurrentManager
from voucher_payment_gateway.models.fields import ORDER_NUMBER_LENGTH, amount_field
from voucher_payment_gateway.models.idempotency_key import VoucherIdempotencyKey
from voucher_payment_gateway.models.payment import VoucherPayment
from voucher_payment_gateway.models.permanent import PermanentModel, PermanentQuerySet
from voucher_payment_gateway.models.sale import VoucherSale

__all__ = ["VoucherArchivedOperation", "VoucherArchivedOrder"]


class VoucherArchivedOrder(PermanentModel):
    """One move of an order's operations into the archive, with their number and sums as they were before.

    ``sums`` has the number of operations that succeeded and their sum by kind and currency. An order whose voucher was
    used again later has several rows.
    """

    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH, db_index=True)
    operation_count = models.PositiveIntegerField(_("operations"))
    sums = models.JSONField(_("sums"))
    archived_at = models.DateTimeField(_("archived at"))
    archived_by = models.CharField(_("archived by"), max_length=150, blank=True)

    objects = PermanentQuerySet.as_manager()
    current = CurrentManager.from_queryset(PermanentQuerySet)()

    class Meta:
        verbose_name = _("archived gift voucher order")
        verbose_name_plural = _("archived gift voucher orders")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.order_number}: {self.operation_count}"


class VoucherArchivedOperation(PermanentModel):
    """An operation as it was when it was moved here; its primary key is the one that it had.

    What the books and ``reconcile`` ask for are columns, everything else of it is in ``more``.
    """

    id = models.BigIntegerField(primary_key=True)
    archived_order = CurrentForeignKey(
        VoucherArchivedOrder, on_delete=models.PROTECT, related_name="operations"
    )
    payment: "CurrentForeignKey[VoucherPayment | None, VoucherPayment | None]" = CurrentForeignKey(
        VoucherPayment, on_delete=models.PROTECT, related_name="archived_operations", null=True
    )
    sale: "CurrentForeignKey[VoucherSale | None, VoucherSale | None]" = CurrentForeignKey(
        VoucherSale, on_delete=models.PROTECT, related_name="archived_operations", null=True
    )
    idempotency_key = CurrentForeignKey(
        VoucherIdempotencyKey, on_delete=models.PROTECT, related_name="archived_operations", null=True
    )
    order_number = models.CharField(_("order number"), max_length=ORDER_NUMBER_LENGTH)
    number = models.PositiveIntegerField(_("number"))
    voucher_id = models.CharField(_("voucher id"), max_length=255, blank=True)
    kind = models.CharField(_("kind"), max_length=10)
    amount = amount_field(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=11)
    remote_id = models.CharField(_("remote id"), max_length=255, blank=True)
    actor = models.CharField(_("actor"), max_length=150, blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True)
    more = models.JSONField(_("everything else"))

    objects = PermanentQuerySet.as_manager()
    current = CurrentManager.from_queryset(PermanentQuerySet)()

    class Meta:
        verbose_name = _("archived gift voucher operation")
        verbose_name_plural = _("archived gift voucher operations")
        ordering = ("pk",)
        indexes = (
            models.Index(name="vpg_archive_voucher", fields=["voucher_id"]),
            models.Index(
                name="vpg_archive_settled", fields=["settled_at"], condition=Q(settled_at__isnull=False)
            ),
        )

    @property
    def account(self) -> str:
        """The name of the merchant account of its payment or sale."""
        subject = self.payment or self.sale
        return subject.account if subject else ""

    def __str__(self) -> str:
        return f"{self.order_number} #{self.number}: {self.kind} ({self.state})"
