"""What ``reconcile`` must report at the end of a day, and what it must not, derived from the cloud's own books.

The books know one thing that the API never shows: which charge a refund belongs to.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.proofs.storm.books import bookings_of
from tests.proofs.storm.configuration import ON_STATUS
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID

__all__ = ["reconcile_problems"]

OPEN = ("due", "sending", "unknown")

Differences = set[tuple[str, str]]


def reconcile_problems(cloud, vouchers) -> list[str]:
    """Reconcile the day; return false and missing reports. An empty list is right."""
    now = cloud.clock.now()
    found = gateway.reconcile(now - timedelta(days=400), now + timedelta(days=1))
    reported = {(row.kind, row.remote_id) for row in found}
    must, may = _expected(cloud, vouchers)
    missing = [f"reconcile does not tell {each}" for each in sorted(must - reported)]
    return missing + [f"reconcile tells {each}, and that is wrong" for each in sorted(reported - must - may)]


def _expected(cloud, vouchers) -> tuple[Differences, Differences]:
    """Return the differences that must be reported, and those that may be, since the API does not show enough."""
    must: Differences = set(_left_open(cloud.clock.now()))
    may: Differences = set()
    for kind, number, is_sure in _of_orders(cloud):
        undecided = VoucherOperation.objects.filter(order_number=number, state__in=(*OPEN, "manual"))
        (must if is_sure and not undecided.exists() else may).add((kind, number))
    known = set(VoucherOperation.objects.filter(state="succeeded").values_list("remote_id", flat=True))
    for voucher in vouchers:
        may |= _of_unusable(cloud.store.state.vouchers[voucher.id])
        rows = {row.id: row for row in bookings_of(cloud, voucher.id)}
        is_open = VoucherOperation.objects.filter(voucher_id=voucher.id, state__in=OPEN).exists()
        for row in (row for row in rows.values() if row.id not in known):
            kind, is_sure = _kind(row, rows)
            if kind:
                is_read = not cloud.store.state.vouchers[voucher.id].deleted
                (must if is_sure and is_read and not is_open else may).add((kind, row.id))
    return must, may


def _of_unusable(voucher: Any) -> Differences:
    """Return what may be told of a voucher that the people of the day have made unusable: it is not read, or its status
    is another one than that of its sale, where it was topped up."""
    if voucher.deleted:
        return {("not_compared", ""), ("voucher_gone", voucher.id)}
    return {("voucher_status", voucher.id)} if not voucher.id.startswith("vpg-") else set()


def _kind(row: Any, rows: dict[str, Any]) -> tuple[str, bool]:
    """Return the kind of a booking that is not in our rows, and whether the API shows enough to know it."""
    if row.client_id == LOCAL_CLIENT_ID:
        return "theirs_only", True
    if row.type != "refund":
        return "", True
    is_of_ours = rows[row.charge_id].client_id == LOCAL_CLIENT_ID
    return (
        ("refund_by_hand", True) if is_of_ours else ("refund_by_hand" if not row.order_number else "", False)
    )


def _of_orders(cloud: Any) -> Iterator[tuple[str, str, bool]]:
    """Yield the orders that keep more than they cost, and those that are cancelled and keep anything; and whether that
    must be told.

    A cancelled order is reported only where ``settle`` cannot refund it. What a clerk refunded is a difference of its
    own: an order is overpaid by what it keeps beyond that.
    """
    for order in Order.objects.all():
        payments = list(VoucherPayment.objects.filter(order_number=order.number))
        kept = sum(payment.amount_captured - payment.amount_refunded for payment in payments)
        if order.status in ON_STATUS["cancel"]:
            if kept or any(map(_may_be_charged, payments)):
                yield "order_cancelled", order.number, False
        elif kept > max(order.total, 0):
            by_hand = _refunded_by_hand(cloud, payments)
            yield "order_overpaid", order.number, kept - by_hand > max(order.total, 0)


def _refunded_by_hand(cloud: Any, payments: list[VoucherPayment]) -> Decimal:
    """Return what other clients refunded on the vouchers of an order: each refund that shows the number of one of its
    charges, and each that shows none, since the API does not tell whose it is."""
    charges = VoucherOperation.objects.filter(payment__in=payments, kind="charge")
    numbers = {"", None, *charges.values_list("reference", flat=True)}
    return sum(
        (
            row.amount
            for voucher_id in {payment.voucher_id for payment in payments} - {""}
            for row in bookings_of(cloud, voucher_id)
            if row.type == "refund" and row.client_id != LOCAL_CLIENT_ID and row.order_number in numbers
        ),
        Decimal(),
    )


def _may_be_charged(payment: VoucherPayment) -> bool:
    is_promise = payment.confirmed_at and not payment.cancel_requested_at and payment.sealed_code
    return payment.status == "authorized" or bool(
        is_promise
        and payment.status not in ("failed", "cancelled")
        and payment.amount_agreed > payment.amount_captured
    )


def _left_open(now: Any) -> Iterator[tuple[str, str]]:
    dead = VoucherPayment.objects.filter(
        status="authorized", reservation_dead_at__lte=now - timedelta(hours=1)
    )
    for payment in dead.exclude(operations__state__in=OPEN):
        yield "hold_left_open", payment.reservation_id
