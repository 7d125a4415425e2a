"""Differences that reconciliation has found. They are explained, and not changed."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.lists import FastList
from voucher_payment_gateway.admin.pages import (
    Current,
    OfAccounts,
    OnlyWhatIsShown,
    Permanent,
    amount_column,
)
from voucher_payment_gateway.models import VoucherDifference

if TYPE_CHECKING:
    Page = admin.ModelAdmin[VoucherDifference]
    Form = forms.ModelForm[VoucherDifference]
else:
    Page, Form = admin.ModelAdmin, forms.ModelForm

__all__ = ["VoucherDifferenceAdmin"]

OURS = amount_column(VoucherDifference, "amount_ours")
THEIRS = amount_column(VoucherDifference, "amount_theirs")


class OpenFilter(admin.SimpleListFilter):
    """Whether a difference still needs an explanation."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("open")), ("explained", _("explained")), ("gone", _("gone"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "open":
                return queryset.filter(gone_at=None, explained_at=None)
            case "explained":
                return queryset.exclude(explained_at=None)
            case "gone":
                return queryset.exclude(gone_at=None)
        return queryset


class ExplanationForm(Form):
    """Appends a sentence to the explanation."""

    new_explanation = forms.CharField(label=_("explain"), widget=forms.Textarea, strip=True)


@admin.register(VoucherDifference)
class VoucherDifferenceAdmin(Permanent, OnlyWhatIsShown, Current, OfAccounts, FastList, Page):
    """Discrepancies found by reconciliation. A user with the change permission may explain them."""

    form = ExplanationForm
    list_display = (
        "voucher_id",
        "code_hint",
        "kind",
        "order_number",
        OURS,
        THEIRS,
        "currency",
        "first_seen_at",
        "explained_by",
        "gone_at",
    )
    list_filter = (OpenFilter, "kind", "first_seen_at")
    list_select_related = False
    fields = readonly_fields = (
        "sentence",
        "kind",
        "account",
        "voucher_id",
        "code_hint",
        "order_number",
        "payment",
        "sale",
        "operation",
        "booking_type",
        OURS,
        THEIRS,
        "currency",
        "remote_id",
        "reference",
        "client_id",
        "booked_at",
        "first_seen_at",
        "last_seen_at",
        "gone_at",
        "explained_at",
        "explained_by",
        "explanation",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        return [*fields, *(["new_explanation"] * self.has_change_permission(request, obj))]

    def save_model(self, request: HttpRequest, obj: VoucherDifference, form: Any, change: bool) -> None:
        gateway.explain(obj, form.cleaned_data["new_explanation"], actor=request.user.get_username())
