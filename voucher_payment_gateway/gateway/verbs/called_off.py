"""An order that was taken back: an event that is older than that, or comes again, sells nothing of it."""

from collections.abc import Iterable
from typing import Any

import django.db
from django.utils.module_loading import import_string

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.records.line_keys import SoldLines
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import OrderFacts, has_status, known_number, order_facts
from voucher_payment_gateway.rules.sales import SaleTarget, may_follow, was_taken_back
from voucher_payment_gateway.short_memory import is_first
from voucher_payment_gateway.sold import SoldVoucher, sold_vouchers

__all__ = ["is_paid", "is_told_unpaid", "may_be_followed", "sold_by", "still_sold"]

QUIET_SECONDS = 24 * 3600
"""How often the same is logged of an order."""


def sold_by(order: Any) -> list[SoldVoucher]:
    """Return the vouchers that the order sells. Raises the errors of ``sold_vouchers``, and of the shop's code."""
    return sold_vouchers(order, lambda: order_facts(order).currency)


def still_sold(
    number: str, new: list[SoldVoucher], lines: SoldLines, rows: Iterable[VoucherSale], wanted: SaleTarget
) -> list[SoldVoucher]:
    """Return which of the ``new`` vouchers are sold: all, unless one of the order's ``rows`` was taken back. Then the
    order is read as it is stored now, since the caller may have read it before that: those that it names no more are
    not sold, and none of one that was cancelled and is not paid since. That is logged.

    Of an order that is not paid one that was given up is not issued again: that is done once it is paid.
    """
    ended = [sale for sale in rows if was_taken_back(sale.target, sale.end_reason)]
    order = find_order(number) if new and ended else None
    if order is None:
        return new
    is_unpaid = any(map(may_be_followed, ended)) and _is_called_unpaid(order)
    is_off = any(map(may_be_followed, ended)) and _is_taken_back(order)
    if is_unpaid and wanted == "issued":
        new = [voucher for voucher in new if not lines.given_up_of(voucher)]
    is_off = is_off or (is_unpaid and wanted == "active")
    named = set() if is_off else {voucher.key for voucher in sold_by(order)}
    left = [voucher for voucher in new if voucher.key in named]
    if len(left) < len(new) and is_first(f"called-off.{ended[-1].pk}.{wanted}", QUIET_SECONDS):
        why = "is not paid" if is_off else "names other ones"
        SaleEvents.not_sold_after_take_back.log(order_number=number, problem=why)
    return left


def may_be_followed(sale: VoucherSale) -> bool:
    """Return whether the sale was taken back, or given up, while its order was not paid: another one may follow."""
    return was_taken_back(sale.target, sale.end_reason) and may_follow(sale.end_reason)


def is_paid(order: Any) -> bool:
    """Return what ``ORDER_IS_PAID`` says of the order; true without it."""
    path = gateway_settings().ORDER_IS_PAID
    return not path or bool(import_string(path)(order))


def is_told_unpaid(order: Any) -> bool:
    """Return whether the shop says that the order, as it is stored now, is not paid. Errors of the database pass
    through."""
    settings = gateway_settings()
    if not settings.ORDER_IS_PAID and not settings.ON_STATUS.get("activate"):
        return False
    try:
        stored = find_order(known_number(order))
        order = order if stored is None else stored
        return not isinstance(order, OrderFacts) and _is_called_unpaid(order)
    except django.db.Error:
        raise
    except Exception:  # of the shop's code
        return False


def _is_taken_back(order: Any) -> bool:
    """Return whether its status takes the order back."""
    statuses: Any = gateway_settings().ON_STATUS.get("take_back")
    return bool(statuses) and has_status(order, statuses)


def _is_called_unpaid(order: Any) -> bool:
    """Return whether the order is not paid by ``ORDER_IS_PAID``, or by a status, where no signal that comes late can
    say otherwise."""
    settings = gateway_settings()
    if settings.ORDER_IS_PAID:
        return not is_paid(order)
    statuses: Any = settings.ON_STATUS.get("activate")
    return bool(statuses) and not settings.events.get("activate") and not has_status(order, statuses)
