"""Erase people: what the sales of an order know of recipients and buyers, as soon as no delivery needs it."""

from functools import partial
from typing import Any

from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, retry_on_conflict
from voucher_payment_gateway.gateway.records.idempotency import save_key
from voucher_payment_gateway.gateway.records.people import PEOPLE, erasure_of
from voucher_payment_gateway.gateway.records.sales import change_sale, stored_sale
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.orders import known_number
from voucher_payment_gateway.rules.sales import needs_recipient
from voucher_payment_gateway.telemetry import verb

__all__ = ["erase_people"]


@verb
def erase_people(order: Any) -> list[VoucherSale]:
    """Erase recipient, name, message and reason of the sales of an order, or of one ``VoucherSale``. The sales stay.

    A voucher that waits for its delivery by mail or signal keeps them until then, since it is owed: they are erased by
    the write that notes the delivery, or the end of the sale. Returns these sales; where that is too late, take one
    back, or ``resend`` it to another address at once. From this call on a sale follows no change of these fields by the
    shop. Safe to repeat; nothing is sent, no money moves.

    Raises PaymentStateError where it is no order, or a sale that is not stored.
    """
    if isinstance(order, VoucherSale):
        number, sales = order.order_number, VoucherSale.current.filter(pk=stored_sale(order).pk)
    else:
        number = known_number(order)
        sales = VoucherSale.current.filter(order_number=number)
    erased = (retry_on_conflict(partial(_erase, pk)) for pk in _pks(sales, number))
    waiting = [sale for sale in erased if sale is not None]
    SaleEvents.people_erased.log(order_number=number, waiting=len(waiting))
    return waiting


def _pks(sales: Any, number: str) -> list[int]:
    return list(sales.order_by("pk").values_list("pk", flat=True)) if number else []


def _erase(pk: int) -> VoucherSale | None:
    """Erase one sale, or store the request with a change of its version: a delivery that ends in this moment conflicts,
    and looks again. Return a sale that waits. Nothing else has changed: ``updated_at`` stays, by which what failed long
    ago is no case for staff any more."""
    sale: VoucherSale = VoucherSale.current.get(pk=pk)
    call = erasure_of(sale)
    row = None if call.find() else call.new_row()
    is_waiting = needs_recipient(
        sale.status, sale.target, sale.delivery, is_delivered=bool(sale.delivered_at)
    )
    with atomic_or_conflict():
        save_key(row)
        erased = {} if is_waiting else dict.fromkeys(PEOPLE, "")
        change_sale(sale, updated_at=sale.updated_at, **erased)
    return sale if is_waiting else None
