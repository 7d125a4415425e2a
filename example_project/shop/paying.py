"""Split tender, in the order of what can be undone: authorise the card, charge the gift vouchers, charge the card.

Setting money aside on a card can be undone without a trace, a gift voucher can be refunded exactly, a charged card
costs fees to give back: so it comes last. Whatever fails, the gift vouchers are refunded once.
"""

from decimal import Decimal

from django.utils.translation import gettext as _

from shop.card import CardError, CardPayment
from shop.models import Order
from shop.signals import order_cancelled, order_shipped

__all__ = ["NotPaidError", "charge", "give_back_card", "set_aside_on_card"]


class NotPaidError(Exception):
    """The order is not paid; the message says why and where the money is."""


def set_aside_on_card(order: Order, due: Decimal, behaviour: str) -> None:
    """Step one, when the customer orders. Raises NotPaidError; the gift vouchers stay reserved."""
    try:
        CardPayment.authorise(order, due, behaviour)
    except CardError:
        raise NotPaidError(
            _("Your card was declined. Nothing was taken from it or from your gift vouchers.")
        ) from None


def charge(order: Order) -> None:
    """Steps two and three, when the order leaves. Raises NotPaidError, or what the gift vouchers' side raises.

    Repeating it is safe: each step is done once.
    """
    order_shipped.send(sender=Order, order=order)
    if any(payment.pending for payment in order.voucher_payments):
        raise NotPaidError(_("A gift voucher is still being charged. Please ship again in a minute."))
    card = CardPayment.objects.filter(order=order).first()
    if card is None:
        return
    if order.voucher_due > card.amount:
        raise NotPaidError(_("The gift vouchers paid less than was agreed. Please talk to the customer."))
    try:
        card.capture()
    except CardError:
        order_cancelled.send(sender=Order, order=order)
        order.move(Order.Status.CONFIRMED, to=Order.Status.CANCELLED)
        raise NotPaidError(
            _("The card could not be charged. The gift vouchers were refunded, the order is cancelled.")
        ) from None


def give_back_card(order: Order) -> None:
    """What a cancelled order had set aside on a card is free again."""
    for card in CardPayment.objects.filter(order=order):
        card.void()
