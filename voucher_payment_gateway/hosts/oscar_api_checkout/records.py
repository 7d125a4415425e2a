"""Which payment an entry of the host's session stands for: by its ``Source``, which follows the gateway."""

from typing import Any

from voucher_payment_gateway.hosts.oscar.sources import record, source_type
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.rules.states import LIVE_STATUSES

__all__ = ["live_payments", "payment_of", "recorded_source"]


def recorded_source(order: Any, payment: VoucherPayment) -> Any:
    """Bring Oscar's records of the order in step with the gateway's, and return the source of ``payment``."""
    record(order.number)
    return order.sources.get(source_type=source_type(), reference=payment.reservation_id)


def payment_of(order: Any, source_id: int | None) -> VoucherPayment | None:
    """Return the payment that a source of the order stands for; None for the source of another method."""
    source = order.sources.filter(pk=source_id, source_type=source_type()).first()
    payments = VoucherPayment.current.filter(order_number=order.number).exclude(reservation_id="")
    return payments.filter(reservation_id=source.reference).last() if source else None


def live_payments(order: Any) -> list[VoucherPayment]:
    """Return the payments that hold a voucher or may hold it again, and of which nothing was charged; oldest first."""
    payments = VoucherPayment.current.filter(order_number=order.number, status__in=LIVE_STATUSES)
    return list(payments.filter(amount_captured=0).order_by("pk"))
