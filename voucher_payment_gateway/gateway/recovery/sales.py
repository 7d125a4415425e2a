"""What ``settle`` does with sales: brings them forward, hands codes over, and deletes what was never paid."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.operations.schedule import lease_seconds
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.gateway.recovery.cursor import behind, next_rows
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.models.conditions import IS_NOT_ACTIVE
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.rules.sales import is_unpaid_too_long
from voucher_payment_gateway.short_memory import is_first

__all__ = [
    "due_deliveries",
    "due_sales",
    "give_up_unpaid",
    "lease_sale",
    "unpaid_sales",
]

CURSOR = "unpaid_sales"

QUIET_SECONDS = 24 * 3600


def due_sales() -> QuerySet[Any]:
    """Return the sales whose next step is due, the longest waiting first."""
    return VoucherSale.current.filter(due_at__lte=timezone.now()).order_by("due_at", "pk")


def lease_sale(sale: VoucherSale) -> bool:
    """Lease the next step of a sale; return whether no other worker was first."""
    try:
        change_sale(sale, due_at=timezone.now() + timedelta(seconds=lease_seconds()))
    except ConflictError:
        return False
    return True


def due_deliveries() -> QuerySet[Any]:
    """Return the active sales whose code is to be handed over; not those that are being taken back."""
    due = VoucherSale.current.filter(deliver_due_at__lte=timezone.now(), delivered_at=None)
    return due.filter(status="active", target="active").order_by("deliver_due_at", "pk")


def unpaid_sales(limit: int) -> list[Any]:
    """Return the next sales that have waited too long for the payment of their order: those that are left as they are
    keep no others waiting. Vouchers that were issued in bulk or imported have no order."""
    return next_rows(CURSOR, _unpaid_after, limit, by="created_at")


def _unpaid_after(cursor: str) -> QuerySet[Any]:
    waited_since = timezone.now() - timedelta(days=gateway_settings().UNPAID_SALE_DAYS)
    waiting = VoucherSale.current.filter(
        IS_NOT_ACTIVE, target="issued", origin="sold", created_at__lte=waited_since
    )
    return behind(waiting, cursor, by="created_at").order_by("created_at", "pk")


def give_up_unpaid(sale: VoucherSale) -> bool:
    """Let a voucher be deleted whose order was not paid; one that ``ORDER_IS_PAID`` calls paid, or of which it cannot
    say, is told once a day instead."""
    now, days = timezone.now(), gateway_settings().UNPAID_SALE_DAYS
    if not is_unpaid_too_long(sale.status, sale.target, sale.created_at, now, days=days):
        return False
    if problem := _why_kept(find_order(sale.order_number)):
        if is_first(f"paid.{sale.pk}", QUIET_SECONDS):
            SaleEvents.unpaid_sale_kept.log(order_number=sale.order_number, sale=sale.pk, problem=problem)
        return False
    change_sale(sale, target="taken_back", end_reason="unpaid", due_at=now)
    return True


def _why_kept(order: Any) -> str:
    """Return why the vouchers of an order are not deleted, although it waits for its payment; "" where they are."""
    path = gateway_settings().ORDER_IS_PAID
    try:
        is_paid = bool(path) and order is not None and import_string(path)(order)
    except Exception as error:  # of the shop's code
        return f"ORDER_IS_PAID raised {type(error).__name__}"
    return "it is paid; activate them" if is_paid else ""
