"""Orders compared with what vouchers have paid for them. Reads our own database only: no call is made."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.gateway.reconciliation.differences import ORDER_KINDS, record_orders
from voucher_payment_gateway.gateway.reconciliation.drafts import order_draft
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_NOT_ENDED, IS_OPEN
from voucher_payment_gateway.orders import (
    are_found_by_number,
    find_orders,
    has_status,
    order_created_at,
    order_facts,
)
from voucher_payment_gateway.rules.paid_orders import compare_order, kept, live_amount
from voucher_payment_gateway.rules.timing import belongs_from

__all__ = ["compare_orders"]

BATCH = 200
"""Maximum of payments per page, and so of orders in memory."""


def compare_orders(since: datetime) -> None:
    """Store the differences of orders whose payments changed from ``CONFIRMED_DAYS`` before ``since`` on, and of those
    with an open difference. Where orders cannot be found by their number, nothing is compared."""
    if not are_found_by_number():
        return
    for numbers in _batches(since - timedelta(days=gateway_settings().CONFIRMED_DAYS)):
        undecided = _undecided(numbers)
        payments, orders = _payments(numbers), find_orders(numbers)
        rows = [
            row
            for number in numbers
            if number not in undecided
            for row in _differences(orders.get(number), payments[number])
        ]
        record_orders(numbers, rows, undecided=undecided)


def _batches(since: datetime) -> Iterator[list[str]]:
    """Yield the numbers of the orders to compare; an order may come in two batches."""
    recent = VoucherPayment.current.filter(IS_NOT_ENDED, updated_at__gte=since).order_by("updated_at", "pk")
    rows = recent.values_list("updated_at", "pk", "order_number")
    page = list(rows[:BATCH])
    while page:
        yield sorted({number for _, _, number in page})
        updated_at, pk, _ = page[-1]
        behind = Q(updated_at__gt=updated_at) | Q(pk__gt=pk)
        is_last = len(page) < BATCH
        page = [] if is_last else list(rows.filter(behind, updated_at__gte=updated_at)[:BATCH])
    yield from _with_open_difference()


def _with_open_difference() -> Iterator[list[str]]:
    open_rows = VoucherDifference.current.filter(kind__in=ORDER_KINDS, gone_at=None).order_by("order_number")
    numbers = open_rows.values_list("order_number", flat=True).distinct()
    after = ""
    while page := list(numbers.filter(order_number__gt=after)[:BATCH]):
        yield page
        after = page[-1]


def _undecided(numbers: list[str]) -> set[str]:
    """Return the numbers of orders with an operation whose outcome is open: they are judged by a later run."""
    operations = VoucherOperation.current.filter(IS_OPEN, order_number__in=numbers).order_by()
    return set(operations.values_list("order_number", flat=True))


def _payments(numbers: list[str]) -> dict[str, list[VoucherPayment]]:
    payments: dict[str, list[VoucherPayment]] = defaultdict(list)
    for payment in VoucherPayment.current.with_open_charge().filter(order_number__in=numbers).order_by("pk"):
        payments[payment.order_number].append(payment)
    return payments


def _differences(order: Any, payments: list[VoucherPayment]) -> Iterator[VoucherDifference]:
    """Yield the differences of an order; payments of an earlier order with its number are those of one that is gone."""
    created_at = order and order_created_at(order)
    if order is None or created_at is None:
        yield from _drafts(order, payments)
        return
    begins = belongs_from(created_at)
    yield from _drafts(None, [payment for payment in payments if payment.created_at < begins])
    yield from _drafts(order, [payment for payment in payments if payment.created_at >= begins])


def _drafts(order: Any, payments: list[VoucherPayment]) -> Iterator[VoucherDifference]:
    found = compare_order(
        payments, is_gone=order is None, is_cancelled=_is_cancelled(order), total=_total(order)
    )
    if found is None:
        return
    kind, amount = found
    if kind == "order_overpaid":
        yield order_draft([payment for payment in payments if kept(payment)][-1], kind, amount)
        return
    for payment in payments:
        if live := live_amount(payment):
            yield order_draft(payment, kind, live)


def _is_cancelled(order: Any) -> bool:
    statuses: Any = gateway_settings().ON_STATUS
    return order is not None and "cancel" in statuses and has_status(order, statuses["cancel"])


def _total(order: Any) -> Decimal | None:
    """Return what the order costs; None where that cannot be read."""
    try:
        return None if order is None else order_facts(order).total
    except PaymentStateError:
        return None
