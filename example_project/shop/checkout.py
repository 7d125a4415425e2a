"""The order of a visitor's checkout, kept in step with the basket."""

from contextlib import suppress

from django.db import transaction
from django.http import HttpRequest

from shop.basket import Basket
from shop.models import GiftLine, Order, OrderLine
from shop.signals import order_cancelled
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError


def current_order(request: HttpRequest) -> Order | None:
    """Return the order that this visitor is about to place, if there is one.

    The gift voucher views call this (``CHECKOUT_ORDER``). It reads the session, so that no visitor reaches the order
    of another one, and it never returns a confirmed order.
    """
    return Order.objects.filter(pk=request.session.get("draft"), status=Order.Status.DRAFT).first()


def own_order(request: HttpRequest, number: str) -> Order | None:
    """Return an order of this visitor, whatever its status."""
    return Order.objects.filter(pk__in=request.session.get("orders", []), number=number).first()


def start(request: HttpRequest) -> Order:
    """Return the order of the visitor's checkout, created on the first call."""
    order = current_order(request)
    if order is None:
        order = Order.start()
        request.session["draft"] = order.pk
        request.session["orders"] = [*request.session.get("orders", []), order.pk]
    write_lines(request, order)
    return order


def follow_basket(request: HttpRequest) -> None:
    """Update the order of a started checkout from the basket; an empty basket ends the checkout."""
    order, basket = current_order(request), Basket(request)
    if order is None:
        return
    if basket.count:
        write_lines(request, order)
    else:
        give_up(request, order)


def write_lines(request: HttpRequest, order: Order) -> None:
    """Write the basket and its total into the order, and adjust the holds on its gift vouchers to the new total."""
    before, basket = order.total, Basket(request)
    with transaction.atomic():
        order.lines.all().delete()
        OrderLine.objects.bulk_create(
            OrderLine(order=order, product=line.product, quantity=line.quantity, price=line.product.price)
            for line in basket
        )
        order.gift_lines.all().delete()
        GiftLine.objects.bulk_create(GiftLine(order=order, **gift.line) for gift in basket.gifts)
        order.discount, order.total = basket.discount, basket.total
        order.save(update_fields=["discount", "total"])
    if order.total != before:
        # the checkout shows the state of the vouchers, and confirming tries again
        with suppress(VoucherGatewayError):
            gateway.authorize_selected(order, confirm=False)


def give_up(request: HttpRequest, order: Order) -> None:
    """End a checkout; the hold on a gift voucher that cannot be released now lapses after 30 minutes."""
    try:
        order_cancelled.send(sender=Order, order=order)
    except VoucherGatewayError:
        return
    if order.move(Order.Status.DRAFT, to=Order.Status.CANCELLED):
        request.session.pop("draft", None)
