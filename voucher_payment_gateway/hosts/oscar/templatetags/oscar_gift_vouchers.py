"""``{% load oscar_gift_vouchers %}``: the gift vouchers of an order in Oscar's dashboard."""

from typing import Any

from django import template

from voucher_payment_gateway.hosts.oscar.panel import TAB, may_see, panel_of

register = template.Library()


@register.inclusion_tag("voucher_payment_gateway/oscar/dashboard_tab.html", takes_context=True)
def gift_voucher_tab(context: Any) -> dict[str, Any]:
    """Render the tab of the panel: for the block ``nav_tabs`` of Oscar's page of an order."""
    return {"is_shown": may_see(context["request"].user), "tab": TAB}


@register.inclusion_tag("voucher_payment_gateway/oscar/dashboard_panel.html", takes_context=True)
def gift_voucher_panel(context: Any, order: Any) -> dict[str, Any]:
    """Render the panel: for the block ``extra_tabs`` of Oscar's page of an order. Nothing for users who may not look at
    gift vouchers."""
    return {"panel": panel_of(context["request"].user, order), "tab": TAB, "order": order}
