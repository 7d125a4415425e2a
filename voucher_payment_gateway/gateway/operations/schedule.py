"""The schedule of an operation: its lease, its next attempt and its trailing read, on our own clock."""

from datetime import datetime

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules import timing
from voucher_payment_gateway.rules.resolution import trailing_read_at
from voucher_payment_gateway.rules.timing import SEND_WINDOW_SECONDS

__all__ = ["SEND_WINDOW_SECONDS", "lease_seconds", "next_send", "next_try", "reread_at", "reread_if_sent"]


def lease_seconds() -> float:
    """Return how long a worker owns a sending operation; after that its outcome is unknown."""
    return timing.lease_seconds(gateway_settings().DEADLINE_SECONDS)


def next_try(operation: VoucherOperation) -> datetime:
    """Return when to try again, with backoff since it was sent: after 30 seconds at first, at least every hour."""
    now = timezone.now()
    return timing.next_attempt_at(now, operation.sending_at or operation.created_at or now)


def next_send(operation: VoucherOperation, error: VoucherGatewayError) -> datetime:
    """Return when to send again an operation that was certainly not applied, with backoff since it was created. The
    API's Retry-After is respected, up to one hour."""
    now = timezone.now()
    wait = getattr(error, "retry_after_seconds", None) or 0
    return timing.next_send_at(now, operation.created_at or now, wait)


def reread_at(operation: VoucherOperation, *, booked: bool) -> datetime | None:
    """Return when the trailing read of an operation is due, if it was sent again or ended without money; else None."""
    return trailing_read_at(timezone.now(), sends=operation.attempts, booked=booked) or operation.reread_at


def reread_if_sent(operation: VoucherOperation) -> datetime | None:
    """Return when the trailing read of an operation that ends now is due; None where it was never sent."""
    return reread_at(operation, booked=False) if operation.attempts else operation.reread_at
