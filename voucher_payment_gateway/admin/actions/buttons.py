"""Buttons that lead to the pages of actions: those that this user may do, and that have something to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.actions.catalogue import MONEY, OF_SALES
from voucher_payment_gateway.admin.actions.decide import DECIDE
from voucher_payment_gateway.admin.actions.target import Target, of_payment
from voucher_payment_gateway.admin.addresses import APP, admin_address, conclude_address, page_address
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale

__all__ = ["OrderButton", "buttons_of_order", "buttons_of_row"]


@dataclass(frozen=True)
class OrderButton:
    """A button on the page of an order, a payment or a sale: a link to where it is confirmed."""

    title: Any
    address: str


def buttons_of_order(
    site: Any,
    user: Any,
    target: Target | None,
    operations: Iterable[VoucherOperation],
    differences: Iterable[VoucherDifference],
) -> list[OrderButton]:
    """Return the buttons of an order; ``target`` is None where the shop does not have it (any more)."""
    money = [
        OrderButton(action.title, page_address(site, f"order_{action.slug}", number=target.number))
        for action in MONEY
        if target is not None and action.is_allowed(user) and action.is_possible(target)
    ]
    may_explain = user.has_perm(f"{APP}.change_voucherdifference")
    explain = [
        OrderButton(_("Explain difference %(number)s") % {"number": row.pk}, admin_address(site, row))
        for row in differences
        if may_explain and row.is_open
    ]
    return money + _decisions(site, user, operations) + explain


def buttons_of_row(site: Any, user: Any, row: VoucherPayment | VoucherSale) -> list[OrderButton]:
    """Return the buttons of the page of a payment or a sale."""
    if isinstance(row, VoucherSale):
        actions = [action for action in OF_SALES if action.is_allowed(user) and action.is_possible(row)]
        own = [OrderButton(action.title, f"../{action.slug}/") for action in actions]
    else:
        allowed = [action for action in MONEY if action.is_allowed(user)]
        target = of_payment(row.pk) if allowed else None
        own = [
            OrderButton(action.title, f"../{action.slug}/")
            for action in allowed
            if target is not None and action.is_possible(target)
        ]
    if not DECIDE.is_allowed(user):
        return own
    return own + _decisions(site, user, row.operations.filter(state="manual").order_by("pk"))


def _decisions(site: Any, user: Any, operations: Iterable[VoucherOperation]) -> list[OrderButton]:
    if not DECIDE.is_allowed(user):
        return []
    return [
        OrderButton(DECIDE.heading(operation), conclude_address(site, operation.pk))
        for operation in operations
        if DECIDE.is_possible(operation)
    ]
