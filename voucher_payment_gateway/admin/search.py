"""Find a gift voucher by whatever a customer or a colleague has at hand.

The form is a POST and its answer is the page itself. A code that is typed stands in no address, so in no log of the web
server and no history; it is compared by its fingerprint, neither stored nor shown again, and taken out of the request
before anything else is done, as in the checkout. Where all that is found has one page, that is shown at once.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from voucher_payment_gateway.admin.addresses import APP, admin_address, order_address
from voucher_payment_gateway.admin.window import WINDOW
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.codes import MAX_TYPED_LENGTH
from voucher_payment_gateway.models import VoucherPayment, VoucherSale

if TYPE_CHECKING:
    from voucher_payment_gateway.admin.find import Found

    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["SearchPages"]

OF_AN_ORDER = ("sold", "credit", "refund")
"""Origins of sales whose number is that of an order, and not the name of a batch."""


class Result(NamedTuple):
    """What the page shows of one row."""

    at: datetime
    order: str
    address: str
    kind: Any
    hint: str
    status: str
    status_text: str
    amount: str


class SearchPages(AnyPage):
    """Gives the admin of payments the page of the search."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.search_page)
        return [path("search/", view, name=f"{APP}_search"), *super().get_urls()]

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters("code"))
    def search_page(self, request: HttpRequest) -> HttpResponse:
        """Show the form, or what was found. What was typed stands in none of the addresses, and not on the page."""
        from voucher_payment_gateway.admin.find import MAX_FOUND, NOTHING
        from voucher_payment_gateway.checkout.requests import take_input

        if not self.has_view_permission(request):
            raise PermissionDenied
        take_input(request)
        found = self._find(request) if request.method == "POST" else None
        results = sorted(self._results(found or NOTHING), key=lambda each: each.at, reverse=True)
        addresses = {result.address for result in results}
        if found and found.is_exact and len(addresses) == 1:
            return HttpResponseRedirect(addresses.pop())
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Find a gift voucher"),
            "found": found,
            "results": results,
            "max_found": MAX_FOUND,
            "window": WINDOW,
            "max_length": MAX_TYPED_LENGTH,
        }
        return TemplateResponse(request, f"admin/{APP}/search.html", context)

    def _find(self, request: HttpRequest) -> "Found":
        from voucher_payment_gateway.admin.find import NOTHING, find
        from voucher_payment_gateway.checkout.requests import entered, is_readable

        if not is_readable(request):
            return NOTHING
        may = request.user.has_perm
        sales, differences = may(f"{APP}.view_vouchersale"), may(f"{APP}.view_voucherdifference")
        return find(entered(request).code, sales=sales, differences=differences)

    def _results(self, found: "Found") -> Iterator[Result]:
        site = self.admin_site
        rows: list[Any] = [*found.payments, *found.sales]
        for row in rows:
            # thousands of vouchers of one batch have one number: the page of the sale is the one to look at
            is_of_order = isinstance(row, VoucherPayment) or row.origin in OF_AN_ORDER
            address = order_address(site, row.order_number) if is_of_order else admin_address(site, row)
            shown = (row.status, row.get_status_display(), amount_text(_amount(row), row.currency))
            yield Result(row.created_at, row.order_number, address, _kind(row), row.code_hint, *shown)
        for row in found.differences:
            # the story of the order tells its differences too
            address = order_address(site, row.order_number) if row.order_number else admin_address(site, row)
            shown = ("difference", row.get_kind_display(), "")
            yield Result(row.first_seen_at, row.order_number, address, _kind(row), row.code_hint, *shown)


def _kind(row: Any) -> Any:
    return row._meta.verbose_name


def _amount(row: Any) -> Any:
    if isinstance(row, VoucherSale):
        return row.amount
    return row.amount_captured or row.amount_authorized or row.amount_agreed
