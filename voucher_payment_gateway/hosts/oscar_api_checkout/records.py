"""Oscar's records of a gift voucher: one ``Source`` for each, which follows what the gateway holds for the order."""

from decimal import Decimal
from typing import Any

from oscar.core.loading import get_model

from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.rules.states import LIVE_STATUSES

__all__ = ["follow", "live_payments", "payment_of", "payments_of"]

REFERENCE = "gift-voucher-"


def follow(order: Any, payment: VoucherPayment) -> Any:
    """Bring the source of ``payment`` up to what it holds, with a transaction for the difference. In a transaction."""
    kind, _ = get_model("payment", "SourceType").objects.get_or_create(name="Gift voucher")
    source, _ = get_model("payment", "Source").objects.get_or_create(
        order=order,
        source_type=kind,
        reference=f"{REFERENCE}{payment.pk}",
        defaults={"currency": order.currency},
    )
    change: Decimal = payment.amount_captured + payment.amount_authorized - source.amount_allocated
    if change:
        source.amount_allocated += change
        source.save()
        source.transactions.create(
            txn_type="Authorise" if change > 0 else "Void", amount=abs(change), status=payment.status
        )
    return source


def payments_of(order: Any) -> list[VoucherPayment]:
    """Return the order's payments, oldest first."""
    return list(VoucherPayment.objects.filter(order_number=order.number))


def live_payments(order: Any) -> list[VoucherPayment]:
    """Return those that hold a voucher or may hold it again, and of which nothing was charged."""
    return [each for each in payments_of(order) if each.status in LIVE_STATUSES and not each.amount_captured]


def payment_of(order: Any, source_id: int | None) -> VoucherPayment | None:
    """Return the payment that a source of the order stands for; None for the source of another method."""
    source = order.sources.filter(pk=source_id, reference__startswith=REFERENCE).first()
    if source is None:
        return None
    pk = source.reference.removeprefix(REFERENCE)
    return VoucherPayment.objects.filter(pk=pk, order_number=order.number).first()
