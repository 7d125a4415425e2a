"""What happens before an order is deleted: one with live money or sold vouchers is kept, the payments and sales of any
other are ended. They belong to it by its number, not by a foreign key. ``deletion`` imports this module.
"""

from typing import Any

from django.db.models import Exists, F, OuterRef, ProtectedError, Q
from django.utils import timezone

from voucher_payment_gateway.gateway.records.conflicts import retry_on_conflict
from voucher_payment_gateway.gateway.records.idempotency import MAX_KEY_LENGTH
from voucher_payment_gateway.gateway.records.people import ERASURE
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.gateway.verbs.cancel import cancel, end_refunded
from voucher_payment_gateway.models import (
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)
from voucher_payment_gateway.models.conditions import IS_OPEN
from voucher_payment_gateway.models.sale import SaleQuerySet
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import OrderFacts, known_number

__all__ = ["before_deletion"]


def before_deletion(order: Any) -> None:
    """End what is left of the payments and sales of the order. Raises ProtectedError, with nothing changed, where it
    has live money or sold vouchers."""
    number = known_number(order)
    if number:
        _refuse_live_money(number)
        _refuse_sold_vouchers(number)
        _end_payments(number)
        retry_on_conflict(lambda: _end_sales(number))


def _refuse_live_money(number: str) -> None:
    """Raise ProtectedError while a payment holds something, was charged and not refunded, or is not decided."""
    undecided = VoucherOperation.objects.filter(Q(IS_OPEN) | Q(state="manual"), payment=OuterRef("pk"))
    live = VoucherPayment.current.filter(
        Q(amount_authorized__gt=0) | Q(amount_captured__gt=F("amount_refunded")) | Exists(undecided),
        order_number=number,
    )
    if found := set(live):
        raise ProtectedError(
            f"order {number}: gift vouchers hold or have paid something of it: cancel or refund them first, or keep "
            "the order.",
            found,
        )


def _refuse_sold_vouchers(number: str) -> None:
    """Raise ProtectedError while a voucher exists that the order sold, or that was given for it, or it is not decided
    whether it does."""
    undecided = VoucherOperation.objects.filter(Q(IS_OPEN) | Q(state="manual"), sale=OuterRef("pk"))
    standing = _sales(number).filter(Q(status__in=("issued", "active")) | Exists(undecided))
    if found := set(standing):
        raise ProtectedError(
            f"order {number}: it sold gift vouchers, or was given some, that still exist or are being worked on: take "
            "them back first, or keep the order.",
            found,
        )


def _sales(number: str) -> SaleQuerySet:
    sales: SaleQuerySet = VoucherSale.current.filter(order_number=number).exclude(origin="topped_up")
    return sales


def _end_sales(number: str) -> None:
    """Let no voucher be issued any more for the order, and free the keys of its sales: they count for no order that
    gets the number again."""
    for sale in _sales(number):
        changes: dict[str, Any] = {} if sale.key == sale.deleted_key else {"key": sale.deleted_key}
        if sale.status == "ordered" and sale.target != "taken_back":
            changes |= {"target": "taken_back", "end_reason": "unpaid", "due_at": timezone.now()}
        if changes:
            change_sale(sale, **changes)


def _end_payments(number: str) -> None:
    """Cancel what was selected, has lapsed, or was refunded: an order that gets the number again has nothing of it."""
    cancel(OrderFacts(number, ZERO, ""), reason="the order was deleted")
    retry_on_conflict(lambda: _end_refunded(number))
    _free_keys(number)


def _end_refunded(number: str) -> None:
    for payment in VoucherPayment.current.filter(order_number=number, status="refunded"):
        end_refunded(payment)


def _free_keys(number: str) -> None:
    """Mark the idempotency keys of the order: they count for no order that gets the number again. What is to be erased
    of its sales stays so."""
    for row in VoucherIdempotencyKey.current.filter(order_number=number).exclude(verb=ERASURE):
        mark = f"deleted {row.pk}: "
        if not row.key.startswith(mark):
            row.key = f"{mark}{row.key}"[:MAX_KEY_LENGTH]
            row.save(update_fields=["key"])
