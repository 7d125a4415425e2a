"""An order number that was used before: the new order has nothing of the old one's payments.

An order that Django's ORM deletes takes its payments with it (``deletion``). One that is deleted behind its back, or
only hidden, leaves them, and its number may be given to another order.
"""

from dataclasses import replace
from datetime import datetime

from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.gateway.records.order_view import OrderView
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherPayment, VoucherSale
from voucher_payment_gateway.rules.timing import belongs_from

__all__ = ["refuse_number_of_earlier_sales", "refuse_reused_number", "without_earlier_order"]

ENDED = ("cancelled", "failed")
"""Such payments of an earlier order have nothing that could be taken for the new one's."""


def refuse_reused_number(number: str, created_at: datetime | None) -> None:
    """Raise WrongStateError (``number_reused``) where payments of this number are older than the order: they belong to
    another one. Nothing was sent. Costs a statement where the shop says when its orders came into being, else none."""
    if created_at is None:
        return
    payments = VoucherPayment.current.filter(order_number=number, created_at__lt=belongs_from(created_at))
    if not payments.exclude(status__in=ENDED).exists():
        return
    PaymentEvents.order_number_reused.log(order_number=number)
    raise WrongStateError(
        f"order {number}: its number was used before, and gift vouchers paid for that order. Cancel those payments "
        "one by one, by gateway.cancel(payment), or give this order another number. Nothing was sent.",
        code="number_reused",
    )


def refuse_number_of_earlier_sales(number: str, created_at: datetime | None) -> None:
    """Raise WrongStateError (``number_reused``) where an earlier order with this number sold vouchers: theirs would be
    taken for those of the new one. Nothing was sent."""
    if created_at is None:
        return
    sales = VoucherSale.current.of_order(number).standing()
    if sales.filter(origin="sold", created_at__lt=belongs_from(created_at)).exists():
        raise WrongStateError(
            f"order {number}: its number was used before, and that order sold gift vouchers. Give this order another "
            "number. Nothing was sent.",
            code="number_reused",
        )


def without_earlier_order(view: OrderView, created_at: datetime | None) -> OrderView:
    """Return the order with its own payments alone."""
    if created_at is None:
        return view
    begins = belongs_from(created_at)
    return replace(view, payments=[payment for payment in view.payments if payment.created_at >= begins])
