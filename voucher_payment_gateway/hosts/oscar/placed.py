"""What is done once Oscar's order row is there: its gift vouchers are confirmed and listed as payment sources."""

from decimal import Decimal
from typing import Any

from voucher_payment_gateway import gateway
from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.hosts.oscar import sources
from voucher_payment_gateway.hosts.oscar.facts import has_payments
from voucher_payment_gateway.hosts.oscar.figures import paid_otherwise
from voucher_payment_gateway.log_events import OscarEvents

__all__ = ["confirm"]


def confirm(order: Any, *, other_due: Decimal | None) -> None:
    """Confirm the vouchers of a placed order: from now on the shop relies on them until they are charged.

    ``other_due`` is what the other means of payment was asked for; None where that was in an earlier request, as with
    one that redirects: then it is what the order's other sources say. The order stands already, so nothing is raised:
    what its vouchers cover less than at its checkout is logged, and noted on the order.
    """
    if not has_payments(order.number):
        return
    try:
        gateway.authorize_selected(order)
    except VoucherGatewayError as error:
        OscarEvents.not_confirmed.log(order_number=str(order.number), error_code=error.code)
    sources.record(order.number)
    _tell_if_less(order, (paid_otherwise(order) or None) if other_due is None else other_due)


def _tell_if_less(order: Any, other_due: Decimal | None) -> None:
    cover = gateway.cover(order)
    if other_due is not None and cover.due > other_due:
        missing = with_code(cover.due - other_due, cover.currency)
        OscarEvents.placed_with_less.log(missing, order_number=str(order.number))
        text = f"Gift vouchers cover {missing} less than when the order was placed."
        order.notes.create(note_type="System", message=text)
