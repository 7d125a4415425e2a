"""Sold vouchers with their operations, read-only, and what a clerk may do with one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib import admin

from voucher_payment_gateway.admin.actions.action import Action
from voucher_payment_gateway.admin.actions.page import ActionPages
from voucher_payment_gateway.admin.filters import CreatedFilter, DeliveryFilter, OriginFilter, StatusFilter
from voucher_payment_gateway.admin.links import LinkedToOrder
from voucher_payment_gateway.admin.lists import FastList
from voucher_payment_gateway.admin.pages import (
    Current,
    OfAccounts,
    OnlyWhatIsShown,
    ReadOnly,
    amount_column,
)
from voucher_payment_gateway.admin.payments import OperationInline
from voucher_payment_gateway.models import VoucherSale

if TYPE_CHECKING:
    Page = admin.ModelAdmin[VoucherSale]
else:
    Page = admin.ModelAdmin

__all__ = ["VoucherSaleAdmin"]

AMOUNT = amount_column(VoucherSale, "amount")
TOPPED_UP = amount_column(VoucherSale, "amount_topped_up")


@admin.register(VoucherSale)
class VoucherSaleAdmin(
    ActionPages, LinkedToOrder, ReadOnly, OnlyWhatIsShown, Current, OfAccounts, FastList, Page
):
    """One voucher sold or given; its code is never shown."""

    list_display = ("order_number", "code_hint", "status", "origin", AMOUNT, "currency", "created_at")
    list_filter = (DeliveryFilter, StatusFilter, OriginFilter, CreatedFilter)
    inlines = (OperationInline,)
    fields = readonly_fields = (
        "order_number",
        "account",
        "key",
        "origin",
        "code_hint",
        "status",
        "target",
        "end_reason",
        AMOUNT,
        TOPPED_UP,
        "currency",
        "voucher_id",
        "valid_until",
        "taxable",
        "tax_rate",
        "recipient_email",
        "recipient_name",
        "message",
        "delivery",
        "deliver_at",
        "delivered_at",
        "delivery_attempts",
        "delivery_error",
        "reminded_at",
        "actor",
        "reason",
        "created_at",
        "issued_at",
        "activated_at",
        "taken_back_at",
    )

    @property
    def clerk_actions(self) -> Sequence[Action]:
        from voucher_payment_gateway.admin.actions.catalogue import OF_SALES

        return OF_SALES
