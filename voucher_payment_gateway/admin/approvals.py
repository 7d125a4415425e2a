"""Requests for refunds, read-only: who asked, who decided, when and why, also once the limit is gone."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.addresses import order_address
from voucher_payment_gateway.admin.approval_story import end_of
from voucher_payment_gateway.admin.lists import FastList
from voucher_payment_gateway.admin.pages import Current, OnlyWhatIsShown, ReadOnly, amount_column
from voucher_payment_gateway.models import VoucherApproval

if TYPE_CHECKING:
    Page = admin.ModelAdmin[VoucherApproval]
else:
    Page = admin.ModelAdmin

__all__ = ["VoucherApprovalAdmin"]

AMOUNT = amount_column(VoucherApproval, "amount")


@admin.register(VoucherApproval)
class VoucherApprovalAdmin(ReadOnly, OnlyWhatIsShown, Current, FastList, Page):
    """All requests, newest first. They are decided on a page of their own."""

    list_display = (
        "order_number",
        AMOUNT,
        "requested_by",
        "requested_at",
        "end",
        "decided_by",
        "decided_at",
        "story",
    )
    list_filter = ("outcome",)
    list_select_related = False
    fields = readonly_fields = (
        "order_number",
        "story",
        "payment",
        "verb",
        AMOUNT,
        "currency",
        "reason",
        "requested_by",
        "requested_at",
        "expires_at",
        "end",
        "decided_by",
        "decided_at",
        "conclusion",
        "key",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        requests: Any = super().get_queryset(request)
        return requests.with_call()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"title": _("Requests for refunds"), **(extra_context or {})})

    @admin.display(description=_("end"))
    def end(self, approval: VoucherApproval) -> str:
        """What became of it: one that was not decided in time has no end in its row."""
        return end_of(approval)

    @admin.display(description=_("order"))
    def story(self, approval: VoucherApproval) -> SafeString:
        """The link to the story of the order."""
        address: Any = order_address(self.admin_site, approval.order_number)
        return format_html('<a href="{}">{}</a>', address, _("What happened"))
