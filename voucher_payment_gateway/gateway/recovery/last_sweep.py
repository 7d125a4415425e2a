"""When the last complete sweep of ``settle`` ended: one stored fact, which checks, probes and metrics read."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import django.db
from django.utils import timezone

from voucher_payment_gateway.alerts import ALERT_SECONDS
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_OPEN
from voucher_payment_gateway.short_memory import is_first

__all__ = ["SweepState", "last_sweep_at", "record_sweep", "sweep_age_seconds", "sweep_state"]

ROW = "last_sweep"

SweepState = Literal["ok", "late", "never"]


def record_sweep() -> None:
    """Store that a sweep has ended now, in one statement from the second sweep on.

    Of several at once the last writer's instant stays; they differ by no more than the sweeps do. An instant in the
    future, of a clock that was ahead, is replaced too. A write that fails is logged once in ten minutes and ends
    nothing: what the sweep did is done.
    """
    value = timezone.now().isoformat()
    try:
        if not VoucherGatewayState.current.filter(name=ROW).update(value=value):
            VoucherGatewayState.current.bulk_create(
                [VoucherGatewayState(name=ROW, value=value)], ignore_conflicts=True
            )
    except django.db.Error as error:
        if is_first("settle.sweep_not_stored", ALERT_SECONDS):
            RunningEvents.sweep_not_stored.log(exception=type(error).__name__)


def last_sweep_at(account: str = "") -> datetime | None:
    """Return when ``settle`` last went through all of its steps, in UTC; None where it never has. One statement.

    A value that is no instant counts as no sweep, one without an offset as one in UTC. A sweep that was stopped, or
    that an error ended, does not count. One sweep settles all merchant accounts, so the
    instant is the same for each of them, and None for an ``account`` that the settings do not have: nothing of it is
    settled.
    """
    if account and account not in gateway_settings().account_names:
        return None
    value = VoucherGatewayState.current.filter(name=ROW).values_list("value", flat=True).first()
    return _instant(value) if value else None


def _instant(text: str) -> datetime | None:
    """Return a stored instant; of one that was written by hand, as well as it can be read."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def sweep_age_seconds(account: str = "") -> float | None:
    """Return the seconds since ``last_sweep_at``, 0 or more; None where there was no sweep."""
    last = last_sweep_at(account)
    return None if last is None else max(0.0, (timezone.now() - last).total_seconds())


def sweep_state() -> SweepState:
    """Return ``"late"`` where no sweep has ended within ``SETTLE_LATE_MINUTES``; ``"never"`` where none ever has and
    nothing has waited for one as long as that. One statement; up to three where there was no sweep."""
    late, age = timedelta(minutes=gateway_settings().SETTLE_LATE_MINUTES), sweep_age_seconds()
    if age is None:
        return "late" if _has_waited_since(timezone.now() - late) else "never"
    return "late" if age > late.total_seconds() else "ok"


def _has_waited_since(instant: datetime) -> bool:
    """Return whether an operation has been open, or a hold has been dead, since before ``instant``."""
    if VoucherOperation.current.filter(IS_OPEN, created_at__lt=instant).exists():
        return True
    return bool(VoucherPayment.current.filter(status="authorized", reservation_dead_at__lt=instant).exists())
