"""Taking gift vouchers back: those that are unspent, and then the money that the card paid for them."""

from decimal import Decimal

from django.utils.translation import gettext as _

from shop.card import CardPayment
from shop.models import Order
from shop.signals import gift_vouchers_returned
from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError, WrongStateError

__all__ = ["NotReturnedError", "can_be_taken_back", "take_all_back", "take_back"]

ENDED = ("taken_back", "failed")


class NotReturnedError(Exception):
    """Not every gift voucher of the order came back; the message says why."""


def can_be_taken_back(order: Order) -> bool:
    """Whether a gift voucher of the order is left, or the card waits for its money."""
    is_left = order.voucher_sales.filter(origin="sold").exclude(status__in=ENDED).exists()
    return is_left or _owed(order) > _refunded(order)


def take_back(order: Order, *, actor: str) -> Decimal:
    """Take the unspent gift vouchers back, and give the card what it paid for them; return what all of them were worth.

    Safe to repeat. Raises NotReturnedError where one stays valid; the others are taken back all the same.
    """
    problem = _send(order, actor)
    for card in CardPayment.objects.filter(order=order):
        card.refund(_owed(order))
    if not problem and order.voucher_sales.filter(origin="sold").exclude(status__in=ENDED).exists():
        problem = _("A gift voucher is still being taken back. Please try again in a minute.")
    if problem:
        raise NotReturnedError(problem)
    return _owed(order)


def take_all_back(order: Order, *, actor: str) -> None:
    """Take all gift vouchers of an order back that is to be cancelled. Raises NotReturnedError where one stays."""
    if order.paid_at and order.gift_lines.exclude(top_up=None).exists():
        raise NotReturnedError(_("The order has topped up a gift voucher: it cannot be cancelled any more."))
    take_back(order, actor=actor)


def _send(order: Order, actor: str) -> str:
    """Send the signal; return why a voucher stays valid, or an empty text."""
    try:
        gift_vouchers_returned.send(sender=Order, order=order, actor=actor, reason="returned")
    except RefusedError:
        return _("A gift voucher of this order was spent: it stays valid and cannot be taken back.")
    except WrongStateError:
        return _("A gift voucher of this order pays for another order: it cannot be taken back.")
    except VoucherGatewayError as error:
        return str(error)
    return ""


def _owed(order: Order) -> Decimal:
    """What the taken back gift vouchers of a paid order were worth."""
    if order.paid_at is None:
        return Decimal("0.00")
    taken = order.voucher_sales.filter(origin="sold", status="taken_back", end_reason="returned")
    return sum((sale.amount for sale in taken), Decimal("0.00"))


def _refunded(order: Order) -> Decimal:
    card = CardPayment.objects.filter(order=order).first()
    return card.refunded if card else _owed(order)
