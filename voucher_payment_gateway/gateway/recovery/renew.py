"""Keeping holds alive, for shops that charge later than the half hour that a reservation lasts."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.operations.reservation import renew
from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.recovery.expire import without_open_operation
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.rules.timing import RENEW_SECONDS

__all__ = ["ending_holds", "keep_alive"]


def ending_holds() -> QuerySet[VoucherPayment]:
    """Return the payments whose reservation is to be made again before it ends; none unless ``RENEW_HOLDS`` says
    so."""
    now = timezone.now()
    payments = VoucherPayment.current
    if not gateway_settings().RENEW_HOLDS:
        return payments.none()
    ending = payments.filter(
        status="authorized",
        reserved_until__lte=now + timedelta(seconds=RENEW_SECONDS),
        reservation_dead_at__gt=now,
        code_kept_until__gt=now,
        cancel_requested_at=None,
    ).exclude(sealed_code="")
    return without_open_operation(ending).order_by("reserved_until")


def keep_alive(payment: VoucherPayment) -> bool:
    """Reserve the same amount anew, if that is still wanted. Refused, the old reservation ends in its time."""
    number = read_order(payment.order_number).next_number
    now = ending_holds().filter(pk=payment.pk, reservation_id=payment.reservation_id).first()
    if now is None:  # captured, cancelled or taken over since the list was read
        return False
    renew(now, now.amount_authorized, number)
    return True
