"""Renew reservations before they end, for shops that charge later than their 30 minutes."""

from django.db.models import QuerySet
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.operations.reservation import renew
from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.recovery.expire import without_open_operation
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.rules.timing import next_renewal_at

__all__ = ["ending_holds", "keep_alive"]


def ending_holds() -> QuerySet[VoucherPayment]:
    """Return the payments whose reservation is due to be renewed, the longest due first; none without
    ``RENEW_HOLDS``."""
    now = timezone.now()
    payments = VoucherPayment.current
    if not gateway_settings().RENEW_HOLDS:
        return payments.none()
    ending = payments.filter(
        status="authorized",
        renew_at__lte=now,
        reserved_until__isnull=False,
        reservation_dead_at__gt=now,
        code_kept_until__gt=now,
        cancel_requested_at=None,
    ).exclude(sealed_code="")
    return without_open_operation(ending).order_by("renew_at", "pk")


def keep_alive(payment: VoucherPayment) -> bool:
    """Reserve the same amount again, if it is still wanted. If that is refused, the old reservation ends in time."""
    number = read_order(payment.order_number).next_number
    current = ending_holds().filter(pk=payment.pk, reservation_id=payment.reservation_id).first()
    if current is None or not _put_off(current):
        return False  # captured, cancelled or reserved again since the list was read, or another worker is renewing it
    renew(current, current.amount_authorized, number)
    return True


def _put_off(payment: VoucherPayment) -> bool:
    """Put the next attempt off, before this one may fail: payments whose renewal always fails do not delay others.

    Return whether no other worker was first.
    """
    now = timezone.now()
    next_renewal = next_renewal_at(now, payment.reserved_until or now)
    as_read = VoucherPayment.current.filter(
        pk=payment.pk, reservation_id=payment.reservation_id, renew_at=payment.renew_at
    )
    return bool(as_read.update(renew_at=next_renewal) == 1)
