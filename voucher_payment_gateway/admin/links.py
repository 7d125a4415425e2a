"""Links from the page of a payment or a sale to the story of its order and the statement of its voucher, and the
buttons of what may be done with it."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from voucher_payment_gateway.admin.addresses import APP, order_address, statement_address

if TYPE_CHECKING:
    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["LinkedToOrder"]


class LinkedToOrder(AnyPage):
    """Gives the page of a row links and buttons, as far as the user may follow them."""

    change_form_template = f"admin/{APP}/change_form.html"

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        from voucher_payment_gateway.admin.actions.buttons import buttons_of_row

        row, site = kwargs.get("obj"), self.admin_site
        context["buttons"] = buttons_of_row(site, request.user, row) if row is not None else []
        if row is not None and request.user.has_perm(f"{APP}.view_voucherpayment"):
            context["order_address"] = order_address(site, row.order_number)
            context["statement_address"] = statement_address(site, row.voucher_id, row.account)
        return super().render_change_form(request, context, *args, **kwargs)
