"""Payments and their story, to be read: nothing about money is edited by hand."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

if TYPE_CHECKING:
    Inline = admin.TabularInline[VoucherOperation, VoucherPayment]
    Page = admin.ModelAdmin[VoucherPayment]
else:
    Inline, Page = admin.TabularInline, admin.ModelAdmin


class ReadOnly:
    """No adding, changing or deleting, whatever rights the visitor has."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OperationInline(ReadOnly, Inline):
    """The story of a payment, oldest operation first."""

    model = VoucherOperation
    extra = 0
    fields = readonly_fields = (
        "number",
        "kind",
        "amount",
        "currency",
        "state",
        "remote_id",
        "error_code",
        "attempts",
        "actor",
        "reason",
        "concluded_by",
        "conclusion",
        "created_at",
        "settled_at",
    )


@admin.register(VoucherPayment)
class VoucherPaymentAdmin(ReadOnly, Page):
    """One voucher paying one order; the code is never shown."""

    list_display = (
        "order_number",
        "code_hint",
        "status",
        "amount_authorized",
        "amount_captured",
        "amount_refunded",
        "currency",
        "created_at",
    )
    list_filter = ("status", "currency", "created_at")
    search_fields = ("order_number", "voucher_id", "reservation_id", "operations__remote_id")
    date_hierarchy = "created_at"
    inlines = (OperationInline,)
    fields = readonly_fields = (
        "order_number",
        "code_hint",
        "status",
        "amount_authorized",
        "amount_captured",
        "amount_refunded",
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
