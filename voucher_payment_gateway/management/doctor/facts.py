"""The figures that the doctor tells to programs: the last sweep, and what waits."""

from typing import Any

from voucher_payment_gateway.gateway.recovery.last_sweep import (
    last_sweep_at,
    sweep_age_seconds,
    sweep_state,
)
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_OPEN

__all__ = ["facts"]

NAMES = ("settle", "last_sweep_at", "sweep_age_seconds", "open", "unknown", "manual", "unpaid", "differences")


def facts() -> dict[str, Any]:
    """Return the figures by name, each None while the database cannot be read or the settings are wrong. Raises
    nothing."""
    try:
        return _facts()
    except Exception:  # whatever the settings, a router or a database cause; the checks tell what it is
        return dict.fromkeys(NAMES)


def _facts() -> dict[str, Any]:
    operations, last, seconds = VoucherOperation.current, last_sweep_at(), sweep_age_seconds()
    return {
        "settle": sweep_state(),
        "last_sweep_at": last.isoformat(timespec="seconds") if last else None,
        "sweep_age_seconds": None if seconds is None else round(seconds),
        "open": operations.filter(IS_OPEN).count(),
        "unknown": operations.filter(IS_OPEN, state="unknown").count(),
        "manual": operations.filter(state="manual").count(),
        "unpaid": VoucherPayment.current.needing_attention().count(),
        "differences": VoucherDifference.current.filter(explained_at=None, gone_at=None).count(),
    }
