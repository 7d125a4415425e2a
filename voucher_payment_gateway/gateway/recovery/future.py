"""Do not believe instants too far in the future: one sweep of a machine whose clock is a day ahead would otherwise
leave what it touched alone for a day.

Corrected only where the clock of the database agrees with ours: else ours may be the wrong one.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connections
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.operations.schedule import lease_seconds
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.models.conditions import IS_NOT_ENDED, IS_OPEN, WAS_HELD
from voucher_payment_gateway.rules.plausible import (
    EXPIRY,
    HOLD,
    NEXT_RENEWAL,
    TRAILING_READ,
    clocks_agree,
    corrected_hold,
    corrected_operation,
    corrected_sale,
    longest_wait,
)
from voucher_payment_gateway.rules.timing import CLOCK_MARGIN
from voucher_payment_gateway.short_memory import is_first

__all__ = ["correct_future_instants"]

QUIET_SECONDS = 3600


def correct_future_instants(limit: int) -> int:
    """Correct up to ``limit`` rows of each sort; return how many. Nothing is sent."""
    now = timezone.now()
    found = (_operations(now), _rereads(now), *_payments(now), *_sales(now))
    first, *others = (rows.order_by().values("pk") for rows in found)
    is_any = first.union(*others, all=True).order_by().exists()  # one statement, as a rule
    if not is_any or not _database_agrees(now):
        return 0
    operations, rereads, holds, renewals, cancels, steps, deliveries = (rows[:limit] for rows in found)
    wait = _longest_wait()
    count = sum(_correct(row, corrected_operation(vars(row), now, wait)) for row in operations)
    count += sum(_correct(row, corrected_hold(vars(row), now)) for row in holds)
    count += sum(_correct(row, {"reread_at": now}) for row in rereads)
    count += sum(_correct(row, {"renew_at": now}) for row in renewals)
    count += sum(_correct(row, {"cancel_requested_at": now}) for row in cancels)
    count += sum(_correct(row, corrected_sale(vars(row), now, wait)) for row in {*steps, *deliveries})
    if count:
        RunningEvents.clock_was_ahead.log(rows=count)
    return count


def _operations(now: datetime) -> QuerySet[Any]:
    """Return the open operations with an instant that may be wrong; ``corrected_operation`` decides."""
    ahead, next_attempt = now + CLOCK_MARGIN, now + CLOCK_MARGIN + _longest_wait()
    happened = Q(sending_at__gt=ahead) | Q(absent_at__gt=ahead) | Q(refused_at__gt=ahead)
    planned = Q(due_at__gt=next_attempt) | Q(forbidden_at__gt=ahead) | Q(fence_at__gt=ahead + EXPIRY)
    dead = Q(target_dead_at__gt=ahead + EXPIRY)
    return VoucherOperation.current.filter(IS_OPEN, happened | planned | dead).order_by("due_at", "pk")


def _rereads(now: datetime) -> QuerySet[Any]:
    latest = now + CLOCK_MARGIN + TRAILING_READ
    return VoucherOperation.current.filter(reread_at__gt=latest).order_by("reread_at", "pk")


def _payments(now: datetime) -> tuple[QuerySet[Any], QuerySet[Any], QuerySet[Any]]:
    """Return the payments whose hold, next renewal or cancel request is too far ahead. Each by its own index."""
    payments, margin = VoucherPayment.current, now + CLOCK_MARGIN
    holds = payments.filter(
        status="authorized", reservation_dead_at__gt=margin + EXPIRY, reserved_until__gt=margin + HOLD
    )
    renewals = payments.filter(WAS_HELD, renew_at__gt=margin + NEXT_RENEWAL)
    cancels = payments.filter(IS_NOT_ENDED, cancel_requested_at__gt=margin)
    return (
        holds.order_by("reservation_dead_at", "pk"),
        renewals.order_by("renew_at", "pk"),
        cancels.order_by("cancel_requested_at", "pk"),
    )


def _sales(now: datetime) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """Return the sales whose next step or delivery may be too far ahead; ``corrected_sale`` decides. Each by its own
    index."""
    sales, next_attempt = VoucherSale.current, now + CLOCK_MARGIN + _longest_wait()
    is_later_than_planned = Q(deliver_at=None) | Q(deliver_due_at__gt=F("deliver_at"))
    steps = sales.filter(due_at__gt=next_attempt)
    deliveries = sales.filter(is_later_than_planned, deliver_due_at__gt=next_attempt, delivered_at=None)
    return steps.order_by("due_at", "pk"), deliveries.order_by("deliver_due_at", "pk")


def _longest_wait() -> timedelta:
    return longest_wait(lease_seconds=lease_seconds(), list_lag_seconds=gateway_settings().LIST_LAG_SECONDS)


def _correct(row: Any, fields: dict[str, Any]) -> int:
    """Write the fields, unless another worker has changed them since they were read."""
    if not fields:
        return 0
    as_read = {name: getattr(row, name) for name in fields}
    return int(type(row).current.filter(pk=row.pk, **as_read).update(**fields))


def _database_agrees(now: datetime) -> bool:
    """Return whether the clock of the database is about ours; log an error where it is not."""
    if clocks_agree(now, _database_clock()):
        return True
    if is_first("settle.clock", QUIET_SECONDS):
        RunningEvents.clocks_differ.log()
    return False


def _database_clock() -> datetime:
    connection = connections[database()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT clock_timestamp()")
            found: datetime = cursor.fetchone()[0]
            return found
        if connection.vendor == "mysql":
            cursor.execute("SELECT UTC_TIMESTAMP(6)")
            return datetime.fromisoformat(f"{cursor.fetchone()[0]}+00:00")
    return datetime.now(tz=timezone.get_default_timezone())  # SQLite and the like run on this machine
