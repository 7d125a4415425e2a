"""The gift vouchers of a customer in Oscar's account: those that its orders bought, and those that paid for them.

``VOUCHER_PAYMENT_GATEWAY`` names ``customer_orders`` (``CUSTOMER_ORDERS``). No page shows a code.
"""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView
from oscar.core.loading import get_model

from voucher_payment_gateway.customer.own_vouchers import (
    OwnVoucher,
    history_of,
    own_vouchers,
    with_balances,
)
from voucher_payment_gateway.customer.views import PER_PAGE

__all__ = ["TAB", "GiftVoucherView", "GiftVouchersView", "customer_orders"]

TAB = "gift-vouchers"


def customer_orders(request: HttpRequest) -> Any:
    """Return the orders of the customer who is logged in, newest first; none for a guest (``CUSTOMER_ORDERS``).

    Orders that were placed as a guest are not among them, even with the same e-mail address: nobody has proved that it
    is theirs.
    """
    orders = get_model("order", "Order")._default_manager
    user = request.user
    return orders.filter(user=user).order_by("-pk") if user.is_authenticated else orders.none()


@method_decorator(never_cache, name="dispatch")
class AccountPage(LoginRequiredMixin, TemplateView):
    """A page of Oscar's account; search engines do not list it."""

    login_url = reverse_lazy("customer:login")
    page_title: Any

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what Oscar's frame of the account asks for."""
        return super().get_context_data(**kwargs) | {"page_title": self.page_title, "active_tab": TAB}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().render_to_response(context, **kwargs)
        response["X-Robots-Tag"], response["Referrer-Policy"] = "noindex", "same-origin"
        return response


class GiftVouchersView(AccountPage):
    """All gift vouchers of the customer with their balances, ten on a page: each costs a call."""

    template_name = "voucher_payment_gateway/oscar/account.html"
    page_title = _("Gift vouchers")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        page = Paginator(own_vouchers(self.request), PER_PAGE).get_page(self.request.GET.get("page"))
        shown = with_balances(list(page.object_list))
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"vouchers": shown, "page_obj": page, "paginator": page.paginator}


class GiftVoucherView(AccountPage):
    """One gift voucher of the customer with its bookings. 404 for any other one."""

    template_name = "voucher_payment_gateway/oscar/account_voucher.html"
    page_title = _("Gift voucher")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = self._own()
        history = history_of(own) if own.sale is None or own.sale.status == "active" else []
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"voucher": own, "history": history}

    def _own(self) -> OwnVoucher:
        for own in own_vouchers(self.request):
            if own.key == self.kwargs["key"]:
                return with_balances([own])[0]
        raise Http404
