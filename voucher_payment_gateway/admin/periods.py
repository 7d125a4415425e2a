"""Closed periods: who closed them and when, their sums, and whether their figures have changed since."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from voucher_payment_gateway.admin.addresses import APP
from voucher_payment_gateway.admin.export import ExportPages
from voucher_payment_gateway.admin.pages import Current, ReadOnly
from voucher_payment_gateway.books.days import local
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.models import VoucherClosedPeriod

if TYPE_CHECKING:
    Page = admin.ModelAdmin[VoucherClosedPeriod]
else:
    Page = admin.ModelAdmin

__all__ = ["VoucherClosedPeriodAdmin"]

KINDS = {
    "sale": _("sold"),
    "recharge": _("topped up"),
    "charge": _("redeemed"),
    "refund": _("refunded"),
    "take_back": _("taken back"),
}


@admin.register(VoucherClosedPeriod)
class VoucherClosedPeriodAdmin(ExportPages, ReadOnly, Current, Page):
    """Closed periods, newest first. They are closed by the command alone: it reads every voucher of the period."""

    change_list_template = "admin/voucher_payment_gateway/voucherclosedperiod/change_list.html"
    list_display = ("period", "sums", "closed_at", "closed_by", "is_unchanged")
    list_display_links = ("period",)
    sortable_by = ()
    ordering = ("-since",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("check_again",)
    fields = readonly_fields = ("period", "sums", "closed_at", "closed_by", "changed_at", "changes")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_export_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = {
            "may_export": self.has_export_permission(request),
            "title": capfirst(self.opts.verbose_name_plural),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @admin.display(description=_("period"))
    def period(self, period: VoucherClosedPeriod) -> str:
        """Its first and last day in the shop's time zone, or its instants where they are no midnights."""
        return _span_text(local(period.since), local(period.until))

    @admin.display(description=_("sums"))
    def sums(self, period: VoucherClosedPeriod) -> SafeString | str:
        """Number and sum of the bookings by kind and currency, as they were when the period was closed."""
        return _listed(_figure(*each) for each in sorted(period.figures.items()))

    @admin.display(description=_("unchanged"), boolean=True)
    def is_unchanged(self, period: VoucherClosedPeriod) -> bool:
        return period.changed_at is None

    @admin.display(description=_("what has changed"))
    def changes(self, period: VoucherClosedPeriod) -> SafeString | str:
        """Each figure that is not what it was, as it was and as it is."""
        from voucher_payment_gateway.books.periods import changed_figures

        if period.changed_at is None:
            return "–"
        changed = changed_figures(period)
        if not changed:
            return str(_("The sums are as they were, but the bookings behind them are not."))
        return _listed(f"{_figure(name, was)} → {_amounts(name, now)}" for name, was, now in changed)

    def has_check_permission(self, request: HttpRequest) -> bool:
        """Whether the user may note a change with a period: to look at it is not enough."""
        return bool(request.user.has_perm(f"{APP}.change_voucherclosedperiod"))

    @admin.action(description=_("Read the figures of the selected periods again"), permissions=["check"])
    def check_again(self, request: HttpRequest, periods: Any) -> None:
        """Compare the figures of each with the ledger as it is now, and note a change. No call is made."""
        from voucher_payment_gateway.books.periods import check_period

        changed = [period for period in map(check_period, periods) if period.changed_at]
        if changed:
            text = ngettext(
                "The figures of %(count)s period have changed since it was closed: open it to see which.",
                "The figures of %(count)s periods have changed since they were closed: open them to see which.",
                len(changed),
            )
            self.message_user(request, text % {"count": len(changed)}, messages.ERROR)
        else:
            self.message_user(request, _("The figures are as they were when they were closed."))


def _span_text(since: datetime, until: datetime) -> str:
    if since.time() == until.time() == time():
        days = (since.date(), until.date() - timedelta(days=1))
        return " – ".join(date_format(day, "SHORT_DATE_FORMAT") for day in days)
    return " – ".join(date_format(instant, "SHORT_DATETIME_FORMAT") for instant in (since, until))


def _figure(name: str, figure: dict[str, Any]) -> str:
    """Return a figure in words; its name is that of ``VoucherClosedPeriod.figures``."""
    kind = name.rpartition(" ")[0]
    return f"{KINDS.get(kind, kind)}: {_amounts(name, figure)}"


def _amounts(name: str, figure: dict[str, Any]) -> str:
    return f"{amount_text(Decimal(figure['sum']), name.rpartition(' ')[2])} ({figure['count']})"


def _listed(texts: Iterable[str]) -> SafeString | str:
    return format_html_join("", "<div>{}</div>", ((text,) for text in texts)) or "–"
