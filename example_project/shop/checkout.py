"""Which order a visitor's checkout is about, and keeping it the same as the basket."""

from contextlib import suppress

from django.db import transaction
from django.http import HttpRequest

from shop.basket import Basket
from shop.models import Order, OrderLine
from shop.signals import order_cancelled, order_changed
from voucher_payment_gateway.exceptions import VoucherGatewayError


def current_order(request: HttpRequest) -> Order | None:
    """Return the order that this visitor is about to place, if there is one.

    The gift voucher views ask this (``CHECKOUT_ORDER``): it comes from the session, so nobody can name the
    order of another visitor, and a confirmed order is left alone.
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
    """Make a checkout that has started follow the basket; an empty basket ends it."""
    order, basket = current_order(request), Basket(request)
    if order is None:
        return
    if basket.count:
        write_lines(request, order)
    else:
        give_up(request, order)


def write_lines(request: HttpRequest, order: Order) -> None:
    """Write what is in the basket, and its total, into the order, and hold on its gift vouchers what it now needs."""
    before, basket = order.total, Basket(request)
    with transaction.atomic():
        order.lines.all().delete()
        OrderLine.objects.bulk_create(
            OrderLine(order=order, product=line.product, quantity=line.quantity, price=line.product.price)
            for line in basket
        )
        order.discount, order.total = basket.discount, basket.total
        order.save(update_fields=["discount", "total"])
    if order.total != before:
        with suppress(
            VoucherGatewayError
        ):  # the checkout shows how it stands, and asks again when it is confirmed
            order_changed.send(sender=Order, order=order)


def give_up(request: HttpRequest, order: Order) -> None:
    """End a checkout; a gift voucher that cannot be released now is free again after 30 minutes anyway."""
    try:
        order_cancelled.send(sender=Order, order=order)
    except VoucherGatewayError:
        return
    if order.move(Order.Status.DRAFT, to=Order.Status.CANCELLED):
        request.session.pop("draft", None)
