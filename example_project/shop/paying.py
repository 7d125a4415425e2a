"""Mixed tender, ordered by what can be undone: authorise the card, charge the gift vouchers, capture the card.

A card authorisation can be voided without cost, a gift voucher can be refunded exactly, refunding a captured card costs
fees: so the capture comes last. Whatever fails, the gift vouchers are refunded once.

An order that sells gift vouchers is another case: they are worth money as soon as they are sent, so the card is charged
when the order is placed.
"""

from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shop.card import CardError, CardPayment
from shop.models import Order
from shop.signals import gift_vouchers_returned, order_cancelled, order_paid, order_shipped

__all__ = ["NotPaidError", "authorise_card", "charge", "give_card_back", "take_payment"]


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


def take_payment(order: Order) -> None:
    """Charge the card of a placed order, if it has one, and note that it is paid: its gift vouchers become valid.

    Idempotent. Raises NotPaidError; the order is cancelled then. After an error of the gateway the card is charged, the
    order is not noted as paid, and calling this again goes on.
    """
    card = CardPayment.objects.filter(order=order).first()
    try:
        if card is not None:
            card.capture()
    except CardError:
        order_cancelled.send(sender=Order, order=order)
        gift_vouchers_returned.send(sender=Order, order=order)
        order.move(Order.Status.CONFIRMED, to=Order.Status.CANCELLED)
        raise NotPaidError(
            _("The card could not be charged. Nothing was taken, and the order is cancelled.")
        ) from None
    _note_paid(order)


def _note_paid(order: Order) -> None:
    """Note the payment and what follows from it at once: a crash between the two would leave gift vouchers invalid."""
    with transaction.atomic():
        unpaid = Order.objects.filter(pk=order.pk, paid_at=None)
        if unpaid.update(paid_at=timezone.now()):
            order.refresh_from_db()
            order_paid.send(sender=Order, order=order)


def give_card_back(order: Order) -> None:
    """Void the card authorisation of a cancelled order, or refund a card that was charged."""
    for card in CardPayment.objects.filter(order=order):
        card.void()
        card.refund(card.amount)
