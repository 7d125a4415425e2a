"""Vouchers that were given up as unpaid, and whose order is paid after all: sold by its status, else told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.recovery.cursor import behind, next_rows
from voucher_payment_gateway.gateway.recovery.sales_by_status import log_once
from voucher_payment_gateway.gateway.verbs.called_off import is_paid
from voucher_payment_gateway.gateway.verbs.sell import activate
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.order_lookup import find_orders
from voucher_payment_gateway.orders import has_status
from voucher_payment_gateway.short_memory import is_first

__all__ = ["sell_given_up"]

CURSOR = "given_up_sales"

GIVEN_UP = ("", "unpaid")
"""Why a sale was taken back that another one may follow."""

QUIET_SECONDS = 24 * 3600


def sell_given_up(limit: int, stop: Callable[[], bool]) -> int:
    """Look at the orders of up to ``limit`` sales that were given up in the last ``CONFIRMED_DAYS``, and activate those
    whose status asks for it; one that only ``ORDER_IS_PAID`` calls paid is told once a day. Return how many were
    activated. Where neither is set nothing is read. Errors are logged."""
    settings = gateway_settings()
    if not settings.ORDER_IS_PAID and not settings.ON_STATUS.get("activate"):
        return 0
    sales = {sale.order_number: sale for sale in next_rows(CURSOR, _given_up_after, limit)}
    count = 0
    for number, order in find_orders(list(sales)).items():
        if stop():
            break
        count += _sell(order, sales[number])
    return count


def _given_up_after(cursor: str) -> QuerySet[Any]:
    since = timezone.now() - timedelta(days=gateway_settings().CONFIRMED_DAYS)
    recent = VoucherSale.current.filter(
        updated_at__gte=since, origin="sold", target="taken_back", end_reason__in=GIVEN_UP
    )
    return behind(recent, cursor, since).order_by("updated_at", "pk")


def _sell(order: Any, sale: VoucherSale) -> bool:
    number = sale.order_number
    statuses: Any = gateway_settings().ON_STATUS.get("activate")
    try:
        if _is_followed(sale):
            return False
        if statuses and has_status(order, statuses):
            activate(order)
            return True
        if (
            gateway_settings().ORDER_IS_PAID
            and is_paid(order)
            and is_first(f"given-up.{sale.pk}", QUIET_SECONDS)
        ):
            SaleEvents.paid_after_all.log(order_number=number, sale=sale.pk)
    except VoucherGatewayError as error:
        log_once(number, "activate", error.code)
    except Exception as error:  # of the shop's code
        log_once(number, "activate", type(error).__name__)
    return False


def _is_followed(sale: VoucherSale) -> bool:
    later = VoucherSale.current.of_order(sale.order_number).filter(key=sale.key, pk__gt=sale.pk)
    return bool(later.exists())
