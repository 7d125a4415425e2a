"""Payments with their operations, read-only, and the pages of the clerk."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from voucher_payment_gateway.admin.actions.action import Action
from voucher_payment_gateway.admin.actions.page import ActionPages
from voucher_payment_gateway.admin.attention import AttentionPages
from voucher_payment_gateway.admin.filters import AttentionFilter, CreatedFilter, StatusFilter
from voucher_payment_gateway.admin.links import LinkedToOrder
from voucher_payment_gateway.admin.lists import FastList
from voucher_payment_gateway.admin.orders import OrderPages
from voucher_payment_gateway.admin.pages import (
    Current,
    OfAccounts,
    OnlyWhatIsShown,
    ReadOnly,
    amount_column,
)
from voucher_payment_gateway.admin.search import SearchPages
from voucher_payment_gateway.admin.statement import StatementPages
from voucher_payment_gateway.models import (
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)

if TYPE_CHECKING:
    Inline = admin.TabularInline[VoucherOperation, Any]
    Page = admin.ModelAdmin[VoucherPayment]
else:
    Inline, Page = admin.TabularInline, admin.ModelAdmin

__all__ = ["OperationInline", "VoucherPaymentAdmin"]

AMOUNT = amount_column(VoucherOperation, "amount")
AGREED = amount_column(VoucherPayment, "amount_agreed")
AUTHORIZED = amount_column(VoucherPayment, "amount_authorized")
CAPTURED = amount_column(VoucherPayment, "amount_captured")
REFUNDED = amount_column(VoucherPayment, "amount_refunded")


class OperationInline(ReadOnly, Current, Inline):
    """The operations of a payment or a sale, oldest first."""

    model = VoucherOperation
    extra = 0
    fields = readonly_fields = (
        "id",
        "kind",
        AMOUNT,
        "currency",
        "state",
        "reference",
        "remote_id",
        "error_code",
        "attempts",
        "actor",
        "reason",
        "given_key",
        "new_voucher",
        "concluded_by",
        "conclusion",
        "created_at",
        "settled_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("idempotency_key")
        return rows.prefetch_related("replacements")

    @admin.display(description=VoucherIdempotencyKey._meta.verbose_name)
    def given_key(self, operation: VoucherOperation) -> str | None:
        """The key that its call was given."""
        return operation.idempotency_key.key if operation.idempotency_key else None

    @admin.display(description=VoucherSale._meta.verbose_name)
    def new_voucher(self, operation: VoucherOperation) -> str:
        """The voucher that was given in place of a refund."""
        return ", ".join(
            f"…{sale.code_hint} ({sale.get_status_display()})" for sale in operation.replacements.all()
        )


@admin.register(VoucherPayment)
class VoucherPaymentAdmin(
    OrderPages,
    SearchPages,
    AttentionPages,
    StatementPages,
    ActionPages,
    LinkedToOrder,
    ReadOnly,
    OnlyWhatIsShown,
    Current,
    OfAccounts,
    FastList,
    Page,
):
    """One voucher paying one order; the code is never shown. Around it the clerk's own pages."""

    list_display = (
        "order_number",
        "code_hint",
        "status",
        AUTHORIZED,
        CAPTURED,
        REFUNDED,
        "currency",
        "created_at",
    )
    list_filter = (AttentionFilter, StatusFilter, CreatedFilter)
    inlines = (OperationInline,)
    fields = readonly_fields = (
        "order_number",
        "account",
        "code_hint",
        "status",
        "confirmed_at",
        "ended_at",
        "end_reason",
        AGREED,
        AUTHORIZED,
        CAPTURED,
        REFUNDED,
        "currency",
        "voucher_id",
        "reservation_id",
        "reserved_until",
        "taxable",
        "tax_rate",
        "cancel_requested_at",
        "created_at",
        "updated_at",
    )

    @property
    def clerk_actions(self) -> Sequence[Action]:
        from voucher_payment_gateway.admin.actions.catalogue import OF_PAYMENTS

        return OF_PAYMENTS
