"""What ``reconcile`` must report at the end of a day, and what it must not, derived from the cloud's own books.

The books know one thing that the API never shows: which charge a refund belongs to.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

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
    for kind, number in _of_orders():
        is_open = VoucherOperation.objects.filter(order_number=number, state__in=OPEN).exists()
        is_settles_own = kind == "order_cancelled"  # told only where settle cannot do it
        (may if is_open or is_settles_own else must).add((kind, number))
    known = set(VoucherOperation.objects.filter(state="succeeded").values_list("remote_id", flat=True))
    for voucher in vouchers:
        rows = {row.id: row for row in cloud.bookings(voucher.id)}
        is_open = VoucherOperation.objects.filter(voucher_id=voucher.id, state__in=OPEN).exists()
        for row in (row for row in rows.values() if row.id not in known):
            kind, is_sure = _kind(row, rows)
            if kind:
                (must if is_sure and not is_open else may).add((kind, row.id))
    return must, may


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


def _of_orders() -> Iterator[tuple[str, str]]:
    """Yield the orders that keep more than they cost, and those that are cancelled and keep anything."""
    for order in Order.objects.all():
        payments = list(VoucherPayment.objects.filter(order_number=order.number))
        kept = sum(payment.amount_captured - payment.amount_refunded for payment in payments)
        if order.status in ON_STATUS["cancel"]:
            if kept or any(map(_may_be_charged, payments)):
                yield "order_cancelled", order.number
        elif kept > max(order.total, 0):
            yield "order_overpaid", order.number


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
