"""Mixed tender, ordered by what can be undone: authorise the card, charge the gift vouchers, capture the card.

A card authorisation can be voided without cost, a gift voucher can be refunded exactly, refunding a captured card costs
fees: so the capture comes last. Whatever fails, the gift vouchers are refunded once.
"""

from decimal import Decimal

from django.utils.translation import gettext as _

from shop.card import CardError, CardPayment
from shop.models import Order
from shop.signals import order_cancelled, order_shipped

__all__ = ["NotPaidError", "authorise_card", "charge", "void_card"]


class NotPaidError(Exception):
    """The order is not paid; the message says why, and what happened to the money."""


def authorise_card(order: Order, due: Decimal, behaviour: str) -> None:
    """Step 1, when the customer orders. Raises NotPaidError; the gift vouchers stay reserved."""
    try:
        CardPayment.authorise(order, due, behaviour)
    except CardError:
        raise NotPaidError(
            _("Your card was declined. Nothing was taken from it or from your gift vouchers.")
        ) from None


def charge(order: Order) -> None:
    """Steps 2 and 3, when the order is shipped: charge the gift vouchers, capture the card. Idempotent.

    Raises NotPaidError, or the errors of the gift voucher payment.
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


def void_card(order: Order) -> None:
    """Void the card authorisation of a cancelled order."""
    for card in CardPayment.objects.filter(order=order):
        card.void()
