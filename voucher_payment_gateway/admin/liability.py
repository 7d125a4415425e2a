"""What the vouchers sold still owe, by day, with a chart of the last year. Days without a snapshot are told."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.liability_chart import charts_of
from voucher_payment_gateway.admin.pages import Current, OfAccounts, ReadOnly, amount_column
from voucher_payment_gateway.books.days import today
from voucher_payment_gateway.models import VoucherLiability
from voucher_payment_gateway.models.liability import FIGURES

if TYPE_CHECKING:
    Page = admin.ModelAdmin[VoucherLiability]
else:
    Page = admin.ModelAdmin

__all__ = ["VoucherLiabilityAdmin"]

CHART_DAYS = 365

AMOUNTS = tuple(amount_column(VoucherLiability, name) for name in FIGURES)


class OwingFilter(admin.SimpleListFilter):
    """Whether anything is outstanding."""

    title = _("outstanding")
    parameter_name = "owing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("above zero"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(outstanding__gt=0) if self.value() == "yes" else queryset


@admin.register(VoucherLiability)
class VoucherLiabilityAdmin(ReadOnly, Current, OfAccounts, Page):
    """The daily snapshots, newest first."""

    change_list_template = "admin/voucher_payment_gateway/voucherliability/change_list.html"
    list_display = ("day", "batch", *AMOUNTS, "currency")
    list_filter = (OwingFilter,)
    search_fields = ("batch",)
    date_hierarchy = "day"
    ordering = ("-day", "account", "currency", "batch")
    fields = readonly_fields = ("day", "account", "batch", *AMOUNTS, "currency")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        from voucher_payment_gateway.books.liability import missing_days

        since = today() - timedelta(days=CHART_DAYS)
        rows = list(VoucherLiability.current.filter(day__gte=since).order_by("day"))
        missing = missing_days(row.day for row in rows)
        context = {
            "charts": charts_of(rows),
            "missing_days": missing,
            "title": capfirst(self.opts.verbose_name_plural),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})
