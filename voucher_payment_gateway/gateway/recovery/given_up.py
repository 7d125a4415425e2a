"""Vouchers that were given up as unpaid, and whose order is paid after all: sold by its status, else told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.line_keys import SoldLines
from voucher_payment_gateway.gateway.recovery.cursor import behind, next_rows
from voucher_payment_gateway.gateway.recovery.sales_by_status import log_once
from voucher_payment_gateway.gateway.verbs.called_off import is_paid, may_be_followed, sold_by
from voucher_payment_gateway.gateway.verbs.sell import activate
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.order_lookup import readable_orders
from voucher_payment_gateway.orders import has_status, order_created_at
from voucher_payment_gateway.short_memory import is_first

__all__ = ["sell_given_up"]

CURSOR = "given_up_sales"

GIVEN_UP = ("", "unpaid")
"""Why a sale was taken back that another one may follow."""

QUIET_SECONDS = 24 * 3600


def sell_given_up(limit: int, stop: Callable[[], bool]) -> int:
    """Look at the orders of up to ``limit`` sales that were given up in the last ``CONFIRMED_DAYS``, and activate those
    whose status asks for it; one that only ``ORDER_IS_PAID`` calls paid is logged once a day. Return how many were
    activated. Where neither is set nothing is read. Errors are logged."""
    settings = gateway_settings()
    if not settings.ORDER_IS_PAID and not settings.ON_STATUS.get("activate"):
        return 0
    numbers = dict.fromkeys(sale.order_number for sale in next_rows(CURSOR, _given_up_after, limit))
    count = 0
    for number, order in readable_orders(list(numbers))[0].items():
        if stop():
            break
        count += _sell(order, number)
    return count


def _given_up_after(cursor: str) -> QuerySet[Any]:
    since = timezone.now() - timedelta(days=gateway_settings().CONFIRMED_DAYS)
    recent = VoucherSale.current.filter(
        updated_at__gte=since, origin="sold", target="taken_back", end_reason__in=GIVEN_UP
    )
    return behind(recent, cursor, since).order_by("updated_at", "pk")


def _sell(order: Any, number: str) -> bool:
    statuses: Any = gateway_settings().ON_STATUS.get("activate")
    try:
        is_driven = bool(statuses) and has_status(order, statuses)
        if not is_driven and not (gateway_settings().ORDER_IS_PAID and is_paid(order)):
            return False
        given_up = _given_up(order, number)
        if given_up and is_driven:
            activate(order)
            return True
        if given_up and is_first(f"given-up.{given_up[0].pk}", QUIET_SECONDS):
            SaleEvents.paid_after_all.log(order_number=number, sale=given_up[0].pk)
    except VoucherGatewayError as error:
        log_once(number, "activate", error.code)
    except Exception as error:  # of the shop's code
        log_once(number, "activate", type(error).__name__)
    return False


def _given_up(order: Any, number: str) -> list[VoucherSale]:
    """Return the sales of the vouchers that the order sells now which were given up, and that none has followed."""
    sold = sold_by(order)
    lines = SoldLines(VoucherSale.current.of_order(number, order_created_at(order)), sold)
    found = [lines.sale_of(voucher) or lines.given_up_of(voucher) for voucher in sold]
    return [sale for sale in found if sale is not None and may_be_followed(sale)]
