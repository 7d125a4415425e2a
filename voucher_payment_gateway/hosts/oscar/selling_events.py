"""Sell with Oscar's own events: issue at the placement, activate when payment sources cover the order.

No error of a sale reaches the checkout: the order is placed and paid, the log says what is wrong with its gift
vouchers, and ``settle`` goes on.
"""

from typing import Any

from django.db.models.signals import post_save
from oscar.apps.order.signals import order_placed
from oscar.core.loading import get_model

from voucher_payment_gateway import gateway
from voucher_payment_gateway.gateway.recovery.sales_by_status import run_logged
from voucher_payment_gateway.hosts.oscar.selling import is_gift_voucher, is_paid

__all__ = ["connect"]


def connect() -> None:
    """Listen to placed orders and to payment sources."""
    order_placed.connect(_issue, dispatch_uid="voucher_gateway_oscar.issue")
    source = get_model("payment", "Source")
    post_save.connect(_activate, source, dispatch_uid="voucher_gateway_oscar.activate")


def _issue(order: Any, **_: Any) -> None:
    if _sells(order):
        run_logged("issue", order, lambda: gateway.issue(order))


def _activate(instance: Any, raw: bool = False, **_: Any) -> None:
    order = instance.order
    if not raw and _sells(order) and is_paid(order):
        run_logged("activate", order, lambda: gateway.activate(order))


def _sells(order: Any) -> bool:
    lines = order.lines.select_related("product__product_class", "product__parent__product_class")
    return any(is_gift_voucher(line) for line in lines.prefetch_related("attributes__option"))
