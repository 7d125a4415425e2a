"""The clerk's actions in Oscar's dashboard: those of the admin, in Oscar's frame.

Each page states first what moves, asks for a reason, and moves money once: a double click, a second tab of the page or
the back button move nothing again.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from oscar.core.loading import get_class
from oscar.views.decorators import permissions_required

from voucher_payment_gateway.admin.actions.action import Action
from voucher_payment_gateway.admin.actions.catalogue import MONEY, OF_SALES
from voucher_payment_gateway.admin.actions.page import ActionPages
from voucher_payment_gateway.hosts.oscar.panel import TAB
from voucher_payment_gateway.models import VoucherPayment, VoucherSale

__all__ = ["view_of"]

STAFF = (["order.view_order"], ["partner.dashboard_access"])
"""Who opens Oscar's page of an order; what they may do here is said by the permissions of the gateway's models."""


class DashboardActions(ActionPages):
    """The pages of the actions on an order and on a sold gift voucher, in the frame of the dashboard."""

    clerk_actions = (*MONEY, *OF_SALES)
    action_template = "voucher_payment_gateway/oscar/dashboard_action.html"

    def frame(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def way_back(self, action: Action, subject: Any) -> str:
        return f"{reverse('dashboard:order-detail', args=[_number_of(subject)])}#{TAB}"

    def action_page(self, request: HttpRequest, action: Action, pk: int | None) -> HttpResponse:
        """Also 404 for an order that this user does not see in the dashboard, such as another partner's."""
        subject = action.find(request, pk)
        if subject is not None:
            visible = get_class("dashboard.orders.views", "get_order_for_user_or_404")
            visible(request.user, _number_of(subject))
        return super().action_page(request, action, pk)


def view_of(action: Action) -> Any:
    """Return the view of an action's page for Oscar's dashboard; it runs outside of the request's transaction."""
    pages = DashboardActions(VoucherSale if action in OF_SALES else VoucherPayment, admin.site)
    return permissions_required(STAFF, login_url="dashboard:login")(pages.view_of(action))


def _number_of(subject: Any) -> str:
    """Return the order number of a sold gift voucher, or of the target of an action on payments."""
    return str(subject.order_number if isinstance(subject, VoucherSale) else subject.number)
