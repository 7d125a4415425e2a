"""Orders compared with what vouchers have paid for them. Reads our own database only: no call is made."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.gateway.reconciliation.differences import ORDER_KINDS, record_orders
from voucher_payment_gateway.gateway.reconciliation.drafts import order_draft
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.models.conditions import IS_NOT_ENDED, IS_OPEN
from voucher_payment_gateway.order_lookup import are_found_by_number, readable_orders
from voucher_payment_gateway.orders import has_status, order_created_at, order_facts
from voucher_payment_gateway.rules.by_status import may_have_effect
from voucher_payment_gateway.rules.paid_orders import compare_order, kept, live_amount
from voucher_payment_gateway.rules.timing import belongs_from

__all__ = ["compare_orders"]

BATCH = 200
"""Maximum of payments per page, and so of orders in memory."""


def compare_orders(since: datetime) -> None:
    """Store the differences of orders whose payments changed from ``CONFIRMED_DAYS`` before ``since`` on, and of those
    with an open difference. Where orders cannot be found by their number, nothing is compared.

    An order that cannot be read is logged and left as it was.
    """
    if not are_found_by_number():
        return
    for numbers in _batches(since - timedelta(days=gateway_settings().CONFIRMED_DAYS)):
        undecided = _undecided(numbers)
        decided = [number for number in numbers if number not in undecided]
        rows, unreadable = _compare(decided)
        record_orders(numbers, rows, undecided=undecided | unreadable)


def _compare(numbers: list[str]) -> tuple[list[VoucherDifference], set[str]]:
    """Return the differences of these orders, and the numbers of those that cannot be read: one must not hide the
    others."""
    orders, unreadable = readable_orders(numbers)
    payments, given_back = _payments(numbers), _given_back(numbers)
    rows: list[VoucherDifference] = []
    for number in [each for each in numbers if each not in unreadable]:
        try:
            rows += _differences(orders.get(number), payments[number], given_back[number])
        except Exception as error:  # of the shop's own code
            PaymentEvents.order_unreadable.log(order_number=number, exception=type(error).__name__)
            unreadable.add(number)
    return rows, unreadable


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
    """Return the numbers of orders with an operation whose outcome is open, or left to a person, or with a voucher in
    place of a refund that is not active yet: they are judged by a later run."""
    operations = VoucherOperation.current.of_payments(order_number__in=numbers).order_by()
    sales = VoucherSale.current.filter(order_number__in=numbers).order_by()
    replacements = sales.filter(origin="refund", status__in=("ordered", "issued"))
    is_open, *others = (
        rows.values_list("order_number", flat=True)
        for rows in (operations.filter(IS_OPEN), operations.filter(state="manual"), replacements)
    )
    return set(is_open.union(*others).order_by())  # Django 6.1 would order by what is not selected


def _given_back(numbers: list[str]) -> dict[str, Decimal]:
    """Return what was refunded by hand of these orders: it is a difference of its own."""
    rows = VoucherDifference.current.filter(kind="refund_by_hand", gone_at=None, order_number__in=numbers)
    given_back: dict[str, Decimal] = defaultdict(Decimal)
    for number, amount in rows.values_list("order_number", "amount_theirs"):
        given_back[number] += amount or Decimal()
    return given_back


def _payments(numbers: list[str]) -> dict[str, list[VoucherPayment]]:
    payments: dict[str, list[VoucherPayment]] = defaultdict(list)
    for payment in VoucherPayment.current.with_open_charge().filter(order_number__in=numbers).order_by("pk"):
        payments[payment.order_number].append(payment)
    return payments


def _differences(
    order: Any, payments: list[VoucherPayment], given_back: Decimal
) -> Iterator[VoucherDifference]:
    """Yield the differences of an order; payments of an earlier order with its number are those of one that is gone."""
    created_at = order and order_created_at(order)
    if order is None or created_at is None:
        yield from _drafts(order, payments, given_back)
        return
    begins = belongs_from(created_at)
    yield from _drafts(None, [payment for payment in payments if payment.created_at < begins], given_back)
    yield from _drafts(order, [payment for payment in payments if payment.created_at >= begins], given_back)


def _drafts(order: Any, payments: list[VoucherPayment], given_back: Decimal) -> Iterator[VoucherDifference]:
    payments = [payment for payment in payments if order or payment.has_order_row]
    found = compare_order(
        payments,
        is_gone=order is None,
        is_cancelled=_is_cancelled(order, payments),
        total=_total(order, payments),
        given_back=given_back,
    )
    if found is None:
        return
    kind, amount = found
    if kind == "order_overpaid":
        yield order_draft(next(filter(kept, payments)), kind, amount)
        return
    of_voucher: dict[tuple[str, str], list[VoucherPayment]] = defaultdict(list)
    for payment in filter(live_amount, payments):
        of_voucher[payment.account, payment.voucher_id].append(payment)
    for own in of_voucher.values():
        yield order_draft(own[0], kind, sum(map(live_amount, own), Decimal()))


def _is_cancelled(order: Any, payments: list[VoucherPayment]) -> bool:
    """Return whether the order is cancelled by status, and ``settle`` does not do it by itself."""
    statuses: Any = gateway_settings().ON_STATUS
    if order is None or "cancel" not in statuses or not has_status(order, statuses["cancel"]):
        return False
    return not any(map(_is_swept, payments))


def _is_swept(payment: VoucherPayment) -> bool:
    """Return whether the next look at the status cancels the payment."""
    since = timezone.now() - timedelta(days=gateway_settings().CONFIRMED_DAYS)
    refunds = VoucherOperation.current.of_payments(order_number=payment.order_number)
    payment.was_refused = refunds.left_to_a_person().exists()
    return payment.updated_at >= since and may_have_effect("cancel", payment)


def _total(order: Any, payments: list[VoucherPayment]) -> Decimal | None:
    """Return what the order costs; None where that cannot be read, or is in another currency than was paid."""
    try:
        facts = None if order is None else order_facts(order)
    except PaymentStateError:
        return None
    return facts.total if facts and {facts.currency} >= {payment.currency for payment in payments} else None
