"""Payments, operations and differences, read-only: nothing about money is edited by hand."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db import router
from django.db.models import QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.conf import NAME
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale

if TYPE_CHECKING:
    Base = admin.options.BaseModelAdmin[Any]
    AnyPage = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[VoucherOperation, VoucherPayment]
    Page = admin.ModelAdmin[VoucherPayment]
    DifferencePage = admin.ModelAdmin[VoucherDifference]
    Form = forms.ModelForm[VoucherDifference]
else:
    Base = admin.options.BaseModelAdmin
    AnyPage = admin.ModelAdmin
    Inline, Page, DifferencePage = admin.TabularInline, admin.ModelAdmin, admin.ModelAdmin
    Form = forms.ModelForm


def amount_column(model: Any, name: str) -> Any:
    """Return a column that shows an amount in the row's currency: with decimals only where the currency has them."""

    @admin.display(description=model._meta.get_field(name).verbose_name, ordering=name)
    def shown(row: Any) -> str | None:
        amount = getattr(row, name)
        return None if amount is None else amount_text(amount, row.currency)

    shown.__name__ = name  # the column's CSS class
    return shown


AMOUNT = amount_column(VoucherOperation, "amount")
AGREED = amount_column(VoucherPayment, "amount_agreed")
AUTHORIZED = amount_column(VoucherPayment, "amount_authorized")
CAPTURED = amount_column(VoucherPayment, "amount_captured")
REFUNDED = amount_column(VoucherPayment, "amount_refunded")
OURS = amount_column(VoucherDifference, "amount_ours")
THEIRS = amount_column(VoucherDifference, "amount_theirs")


class Current(Base):
    """Shows the rows of the database that is written to: a replica may lag behind."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).using(router.db_for_write(self.model))


class AccountFilter(admin.SimpleListFilter):
    """The merchant account, by the names in the settings; none without ``ACCOUNTS``."""

    title, parameter_name = _("account"), "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, name) for name in _accounts()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(account=self.value()) if self.value() else queryset


class OfAccounts(AnyPage):
    """Shows the merchant account of each row where the shop has several."""

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*super().get_list_display(request), *(["account"] if _accounts() else []))

    def get_list_filter(self, request: HttpRequest) -> Any:
        return (*([AccountFilter] if _accounts() else []), *super().get_list_filter(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        is_shown = bool(_accounts() or getattr(obj, "account", ""))
        return [name for name in super().get_fields(request, obj) if name != "account" or is_shown]


def _accounts() -> list[str]:
    """Return the names in ``ACCOUNTS``, also while another setting is wrong."""
    raw = getattr(settings, NAME, None)
    accounts = raw.get("ACCOUNTS") if isinstance(raw, dict) else None
    return sorted(accounts) if isinstance(accounts, dict) else []


class OnlyWhatIsShown(Base):
    """No filter in the address by a field that the page does not show: with many questions, such as whether a sealed
    code begins with a letter, a clerk who may look would read it."""

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        page: Any = self
        filters = {getattr(each, "parameter_name", each) for each in page.list_filter}
        columns = {getattr(each, "__name__", each) for each in (*page.readonly_fields, *page.list_display)}
        name = lookup.split(LOOKUP_SEP)[0]
        return name in filters | columns | {"pk", "id"} and super().lookup_allowed(lookup, value, request)


class Permanent:
    """No adding or deleting, whatever permissions the user has."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(Permanent):
    """No changing either."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OperationInline(ReadOnly, Current, Inline):
    """The operations of a payment, oldest first."""

    model = VoucherOperation
    extra = 0
    fields = readonly_fields = (
        "number",
        "kind",
        AMOUNT,
        "currency",
        "state",
        "remote_id",
        "error_code",
        "attempts",
        "actor",
        "reason",
        "idempotency_key",
        "new_voucher",
        "concluded_by",
        "conclusion",
        "created_at",
        "settled_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("idempotency_key")
        return rows.prefetch_related("replacements")

    @admin.display(description=VoucherSale._meta.verbose_name)
    def new_voucher(self, operation: VoucherOperation) -> str:
        """The voucher that was given in place of a refund."""
        return ", ".join(
            f"…{sale.code_hint} ({sale.get_status_display()})" for sale in operation.replacements.all()
        )


class AttentionFilter(admin.SimpleListFilter):
    """Confirmed payments that ended without what was agreed, until they are cancelled."""

    title, parameter_name = _("needs attention"), "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("unpaid", _("confirmed and not paid"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        payments: Any = queryset
        return payments.needing_attention() if self.value() == "unpaid" else payments  # type: ignore[no-any-return]


@admin.register(VoucherPayment)
class VoucherPaymentAdmin(ReadOnly, OnlyWhatIsShown, Current, OfAccounts, Page):
    """One voucher paying one order; the code is never shown."""

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
    list_filter = (AttentionFilter, "status", "currency", "created_at")
    search_fields = ("order_number", "voucher_id", "reservation_id", "operations__remote_id")
    date_hierarchy = "created_at"
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
class VoucherDifferenceAdmin(Permanent, OnlyWhatIsShown, Current, OfAccounts, DifferencePage):
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
    search_fields = ("voucher_id", "order_number", "reference", "remote_id")
    date_hierarchy = "first_seen_at"
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
