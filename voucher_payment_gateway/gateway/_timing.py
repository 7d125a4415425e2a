"""When an operation may be sent, belongs to its worker, and is looked at again. All on our own clock."""

from datetime import datetime, timedelta

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["SEND_WINDOW_SECONDS", "lease_seconds", "next_try", "reread_at"]

SEND_WINDOW_SECONDS = 20
"""Later than this after the claim an operation is not sent any more: another worker may hold it by then."""

EARLIEST_RETRY_SECONDS, LATEST_RETRY_SECONDS = 30, 3600

REREAD_AFTER_SECONDS = 2 * 3600


def lease_seconds() -> float:
    """Return how long a sending operation belongs to its worker; after that its outcome is unknown."""
    return SEND_WINDOW_SECONDS + gateway_settings().DEADLINE_SECONDS + SEND_WINDOW_SECONDS


def next_try(operation: VoucherOperation) -> datetime:
    """Return when to look again: soon after it was sent, then ever more seldom, at least every hour."""
    now = timezone.now()
    age = (now - (operation.sending_at or operation.created_at or now)).total_seconds()
    return now + timedelta(seconds=min(max(age, EARLIEST_RETRY_SECONDS), LATEST_RETRY_SECONDS))


def reread_at() -> datetime:
    """Return when to look once more for what was repeated, or ended without money after doubt."""
    return timezone.now() + timedelta(seconds=REREAD_AFTER_SECONDS)
