"""What ``settle`` does with sales: brings them forward, hands codes over, and deletes what was never paid."""

import logging
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.operations.schedule import lease_seconds
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.gateway.verbs.advance import advance
from voucher_payment_gateway.gateway.verbs.hand_over import hand_over
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.rules.sales import is_unpaid_too_long
from voucher_payment_gateway.short_memory import is_first

__all__ = [
    "advance_leased",
    "deliver",
    "due_deliveries",
    "due_sales",
    "give_up_unpaid",
    "unpaid_sales",
]

logger = logging.getLogger("voucher_payment_gateway")

QUIET_SECONDS = 24 * 3600


def due_sales(limit: int) -> QuerySet[Any]:
    """Return the sales whose next step is due, the longest waiting first."""
    return VoucherSale.current.filter(due_at__lte=timezone.now()).order_by("due_at", "pk")[:limit]


def advance_leased(sale: VoucherSale) -> bool:
    """Bring a sale forward, unless another worker does so just now."""
    change_sale(sale, due_at=timezone.now() + timedelta(seconds=lease_seconds()))
    return advance(sale)


def due_deliveries(limit: int) -> QuerySet[Any]:
    """Return the active sales whose code is to be handed over; not those that are being taken back."""
    due = VoucherSale.current.filter(deliver_due_at__lte=timezone.now(), delivered_at=None)
    due = due.filter(status="active", target="active")
    return due.order_by("deliver_due_at", "pk")[:limit]


def deliver(sale: VoucherSale) -> bool:
    """Hand the code of a sale over."""
    return hand_over(sale)


def unpaid_sales(limit: int) -> QuerySet[Any]:
    """Return the sales that have waited too long for the payment of their order: not vouchers that were issued in bulk
    or imported, which have no order."""
    earliest = timezone.now() - timedelta(days=gateway_settings().UNPAID_SALE_DAYS)
    waiting = VoucherSale.current.filter(target="issued", status__in=("ordered", "issued"), origin="sold")
    return waiting.filter(created_at__lte=earliest).order_by("created_at", "pk")[:limit]


def give_up_unpaid(sale: VoucherSale) -> bool:
    """Let a voucher be deleted whose order was not paid; one that ``ORDER_IS_PAID`` calls paid is told instead."""
    now, days = timezone.now(), gateway_settings().UNPAID_SALE_DAYS
    if not is_unpaid_too_long(sale.status, sale.target, sale.created_at, now, days=days):
        return False
    path, order = gateway_settings().ORDER_IS_PAID, find_order(sale.order_number)
    if path and order is not None and import_string(path)(order):
        if is_first(f"paid.{sale.pk}", QUIET_SECONDS):
            logger.error("order %s is paid, but its gift vouchers were never activated", sale.order_number)
        return False
    change_sale(sale, target="taken_back", end_reason="unpaid", due_at=now)
    return True
