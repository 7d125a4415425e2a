"""What Oscar's dashboard shows of an order's gift vouchers: amounts, vouchers, the story, and what may be done."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.actions.archived import within_reach
from voucher_payment_gateway.admin.actions.catalogue import MONEY, OF_SALES
from voucher_payment_gateway.admin.actions.target import Target
from voucher_payment_gateway.admin.addresses import APP, order_address
from voucher_payment_gateway.admin.order_button import OrderButton
from voucher_payment_gateway.admin.order_figures import Figures, figures_of
from voucher_payment_gateway.admin.order_records import MAX_ROWS, OrderRecords, records_of
from voucher_payment_gateway.admin.story import story_lines
from voucher_payment_gateway.admin.story_line import StoryLine
from voucher_payment_gateway.models import VoucherPayment, VoucherSale
from voucher_payment_gateway.orders import order_created_at

__all__ = ["TAB", "Panel", "may_see", "panel_of"]

TAB = "gift-vouchers"
"""The anchor of the panel on Oscar's page of the order."""


@dataclass(frozen=True)
class Panel:
    """``more`` is the address of the gateway's own page of the order, where this user can open it: a request for a
    refund, or an operation that a person must decide, is dealt with there. ``max_rows`` is not 0 where there may be
    older rows than are shown."""

    figures: Figures
    payments: list[VoucherPayment]
    sales: list[VoucherSale]
    lines: list[StoryLine]
    earlier: list[StoryLine]
    buttons: list[OrderButton]
    more: str
    max_rows: int = 0


def may_see(user: Any) -> bool:
    """Return whether this user may look at gift vouchers at all."""
    return bool(user.has_perm(f"{APP}.view_voucherpayment"))


def panel_of(user: Any, order: Any) -> Panel | None:
    """Return the panel for this user, None where they may not look at gift vouchers. Nothing is sent."""
    if not may_see(user):
        return None
    records = records_of(
        order.number,
        with_sales=user.has_perm(f"{APP}.view_vouchersale"),
        with_differences=user.has_perm(f"{APP}.view_voucherdifference"),
    )
    own, earlier = records.split(order_created_at(order))
    return Panel(
        figures=figures_of(order, own.payments),
        payments=own.payments,
        sales=own.sales,
        lines=story_lines(own),
        earlier=story_lines(earlier),
        buttons=_buttons(user, order, own),
        more=_more(user, order, own),
        max_rows=MAX_ROWS if records.is_cut else 0,
    )


def _buttons(user: Any, order: Any, records: OrderRecords) -> list[OrderButton]:
    target = within_reach(Target(order.number, order, records.payments))
    money = [
        OrderButton(action.title, f"{_address(action.slug)}?number={order.number}")
        for action in MONEY
        if action.is_allowed(user) and action.is_possible(target)
    ]
    sold = [
        OrderButton(_of_sale(action, sale), _address(action.slug, sale.pk))
        for sale in records.sales
        for action in OF_SALES
        if action.is_allowed(user) and action.is_possible(sale)
    ]
    return [*money, *sold]


def _of_sale(action: Any, sale: VoucherSale) -> Any:
    if not sale.code_hint:
        return action.title
    return _("%(action)s: …%(voucher)s") % {"action": action.title, "voucher": sale.code_hint}


def _address(slug: str, *args: Any) -> str:
    return reverse(f"oscar_gift_vouchers:{slug}", args=args)


def _more(user: Any, order: Any, records: OrderRecords) -> str:
    if not records or not user.is_staff:
        return ""
    try:
        return order_address(admin.site, order.number)
    except NoReverseMatch:  # the shop has no admin
        return ""
