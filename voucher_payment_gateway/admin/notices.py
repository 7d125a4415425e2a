"""Notices to staff: which were sent, and which wait or were given up. They are sent by ``settle``, and not changed."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.filters import Windowed
from voucher_payment_gateway.admin.lists import FastList
from voucher_payment_gateway.admin.pages import Current, OnlyWhatIsShown, ReadOnly
from voucher_payment_gateway.cases import KINDS_OF_ATTENTION
from voucher_payment_gateway.models import VoucherStaffCase, VoucherStaffNotice

if TYPE_CHECKING:
    Page = admin.ModelAdmin[VoucherStaffNotice]
else:
    Page = admin.ModelAdmin

__all__ = ["VoucherStaffNoticeAdmin"]


class EndFilter(Windowed):
    """How a notice ended. Those that wait have an index."""

    title, parameter_name = _("state"), "end"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("given_up", _("given up")), ("waiting", _("waiting")), ("sent", _("sent"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "given_up":
                return self.newest(queryset).filter(given_up_at__isnull=False)
            case "waiting":
                return queryset.filter(due_at__isnull=False).order_by("-due_at", "-pk")
            case "sent":
                return self.newest(queryset).filter(sent_at__isnull=False)
        return queryset


@admin.register(VoucherStaffNotice)
class VoucherStaffNoticeAdmin(ReadOnly, OnlyWhatIsShown, Current, FastList, Page):
    """Notices, newest first. They say how many cases of each kind they were about, and nothing of an order."""

    list_display = ("created_at", "channel", "sent_at", "given_up_at", "due_at", "attempts", "error")
    list_filter = (EndFilter,)
    fields = readonly_fields = (
        "channel",
        "cases",
        "created_at",
        "sent_at",
        "given_up_at",
        "due_at",
        "attempts",
        "error",
        "batch",
    )

    @admin.display(description=_("cases"))
    def cases(self, notice: VoucherStaffNotice) -> SafeString:
        """The number of its cases by kind, those that have ended included."""
        cases = VoucherStaffCase.current.filter(batch=notice.batch).order_by("kind")
        counts = cases.values_list("kind").annotate(count=Count("pk"))
        texts = ((count, KINDS_OF_ATTENTION.get(kind, (kind,))[0]) for kind, count in counts)
        return format_html_join("\n", "<div>{} × {}</div>", texts)
