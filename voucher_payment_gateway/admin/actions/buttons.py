"""Buttons that lead to the pages of actions: those that this user may do, and that have something to do."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.actions.approve import APPROVE
from voucher_payment_gateway.admin.actions.archived import within_reach
from voucher_payment_gateway.admin.actions.catalogue import MONEY, OF_SALES
from voucher_payment_gateway.admin.actions.decide import DECIDE
from voucher_payment_gateway.admin.actions.target import Target, of_payment
from voucher_payment_gateway.admin.actions.withdraw import WITHDRAW
from voucher_payment_gateway.admin.addresses import (
    APP,
    admin_address,
    approval_address,
    approvals_address,
    conclude_address,
    page_address,
    withdraw_address,
)
from voucher_payment_gateway.admin.order_button import OrderButton
from voucher_payment_gateway.admin.order_records import OrderRecords
from voucher_payment_gateway.models import VoucherApproval, VoucherOperation, VoucherPayment, VoucherSale

__all__ = ["buttons_of_order", "buttons_of_row"]


def buttons_of_order(
    site: Any,
    user: Any,
    target: Target | None,
    records: OrderRecords,
) -> list[OrderButton]:
    """Return the buttons of an order; ``target`` is None where the shop does not have it (any more)."""
    money = [
        OrderButton(action.title, page_address(site, f"order_{action.slug}", number=target.number))
        for action in MONEY
        if target is not None and action.is_allowed(user) and action.is_possible(within_reach(target))
    ]
    may_explain = user.has_perm(f"{APP}.change_voucherdifference")
    explain = [
        OrderButton(_("Explain difference %(number)s") % {"number": row.pk}, admin_address(site, row))
        for row in records.differences
        if may_explain and row.is_open
    ]
    requests = _of_requests(site, user, records.approvals)
    return [*requests, *money, *_decisions(site, user, records.operations), *explain]


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
            if target is not None and action.is_possible(within_reach(target))
        ]
    if not DECIDE.is_allowed(user):
        return own
    return own + _decisions(site, user, row.operations.filter(state="manual").order_by("pk"))


def _of_requests(site: Any, user: Any, requests: list[VoucherApproval]) -> list[OrderButton]:
    """Return the buttons to decide requests for refunds, to withdraw one's own, and to the list of them."""
    in_time = [row.pk for row in requests if row.outcome != "rejected" and row.expires_at > timezone.now()]
    open_ones = set(VoucherApproval.current.to_decide().filter(pk__in=in_time)) if in_time else set()
    decide = [
        OrderButton(APPROVE.heading(row), approval_address(site, row.pk))
        for row in requests
        if row in open_ones and APPROVE.may_decide(user, row)
    ]
    withdraw = [
        OrderButton(WITHDRAW.heading(row), withdraw_address(site, row.pk))
        for row in requests
        if WITHDRAW.is_possible(row) and WITHDRAW.may_see(user, row)
    ]
    listed = [
        OrderButton(_("All requests for refunds"), approvals_address(site, row.order_number))
        for row in requests[:1]
    ]
    return [*decide, *withdraw, *(listed if user.has_perm(f"{APP}.view_voucherapproval") else [])]


def _decisions(site: Any, user: Any, operations: Iterable[VoucherOperation]) -> list[OrderButton]:
    if not DECIDE.is_allowed(user):
        return []
    return [
        OrderButton(DECIDE.heading(operation), conclude_address(site, operation.pk))
        for operation in operations
        if DECIDE.is_possible(operation)
    ]
