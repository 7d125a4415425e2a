"""The checkout, and the order page of the customer."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shop.basket import Basket
from shop.checkout import current_order, own_order, start
from shop.forms import ConfirmForm
from shop.gift_sales import refusal as gift_refusal
from shop.models import Order
from shop.paying import NotPaidError, authorise_card, give_card_back, take_payment
from shop.signals import checkout_confirmed
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import error_message
from voucher_payment_gateway.exceptions import VoucherGatewayError

CHOICES = "checkout_choices"
"""In the session: what the customer had chosen when the order could not be placed."""
REMEMBERED = ("customer_name", "pay_rest", "card")


@require_POST
def start_checkout(request: HttpRequest) -> HttpResponse:
    """Start the checkout with what is in the basket."""
    if not Basket(request).count:
        return _nothing_to_order(request)
    start(request)
    return redirect("checkout")


@never_cache
@require_safe
def checkout(request: HttpRequest) -> HttpResponse:
    """Show the order lines, the gift voucher block, and the button that places the order."""
    order = current_order(request)
    if order is None or not (order.lines.exists() or order.gift_lines.exists()):
        return _nothing_to_order(request)
    chosen = request.session.get(CHOICES, {})
    return _checkout_page(request, order, ConfirmForm(label_suffix="", initial=chosen))


@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Place the order: send the signal first, and set the status to confirmed after it."""
    order = current_order(request)
    if order is None:
        return _already_placed(request)
    form = ConfirmForm(request.POST, label_suffix="")
    if not form.is_valid():
        return _checkout_page(request, order, form, status=422)
    refusal = _place(order, form.cleaned_data)
    if refusal:
        messages.error(request, refusal)
        request.session[CHOICES] = {name: form.cleaned_data[name] for name in REMEMBERED}
        return redirect("checkout")
    request.session.pop(CHOICES, None)
    problem = _pay_for_gifts(order)
    if problem:
        messages.error(request, problem)
    if order.status == Order.Status.CANCELLED:  # the card failed, or another tab has ended the checkout
        give_card_back(order)
        return redirect("basket")
    Basket(request).clear()
    messages.success(request, _("Thank you! Your order is placed."))
    return redirect(order)


def _place(order: Order, filled_in: dict[str, Any]) -> str:
    """Confirm the order and return an empty text, or return why it cannot be placed as the customer saw it."""
    if filled_in["seen"] != _figures(order):
        return _("Your order has changed meanwhile. Please look at the figures and order again.")
    try:
        gateway.authorize_selected(order, confirm=False)
        if filled_in["seen"] != _figures(order):
            return _("What your gift voucher covers has changed. Please look at what is due and order again.")
        if refusal := gift_refusal(order):
            return refusal
        rest = _pay_rest(order, filled_in)
        # from here on the shop relies on the vouchers: last, since a card may be declined
        checkout_confirmed.send(sender=Order, order=order)
    except VoucherGatewayError as error:
        give_card_back(order)
        return error_message(error)
    except NotPaidError as error:
        return str(error)
    order.move(
        Order.Status.DRAFT,
        to=Order.Status.CONFIRMED,
        customer_name=filled_in["customer_name"],
        pay_rest=rest,
        confirmed_at=timezone.now(),
    )
    return ""


def _pay_rest(order: Order, filled_in: dict[str, Any]) -> str:
    """Return how the rest is paid. A card is authorised before the order is confirmed: that can be undone."""
    due = order.voucher_due
    if not due:
        return Order.Rest.NOTHING
    if filled_in["pay_rest"] != Order.Rest.CARD:
        return Order.Rest.COLLECTION
    authorise_card(order, due, filled_in["card"])
    return Order.Rest.CARD


def _pay_for_gifts(order: Order) -> str:
    """Charge the card of an order with gift vouchers at once; return what went wrong, or an empty text."""
    has_gifts = order.status == Order.Status.CONFIRMED and order.gift_lines.exists()
    if order.pay_rest != Order.Rest.CARD or not has_gifts:
        return ""
    try:
        take_payment(order)
    except NotPaidError as error:
        return str(error)
    except VoucherGatewayError as error:
        return error_message(error)
    return ""


@never_cache
@require_safe
def order_page(request: HttpRequest, number: str) -> HttpResponse:
    """Show an order, only to the customer who placed it."""
    order = own_order(request, number)
    if order is None:
        raise Http404("No such order of yours.")
    if order.status == Order.Status.DRAFT:
        return redirect("checkout")
    return render(request, "shop/order.html", {"order": order})


def _checkout_page(request: HttpRequest, order: Order, form: ConfirmForm, status: int = 200) -> HttpResponse:
    context = {"order": order, "form": form, "seen": _figures(order)}
    return render(request, "shop/checkout.html", context, status=status)


def _figures(order: Order) -> str:
    return f"{order.total} {order.voucher_due}"


def _already_placed(request: HttpRequest) -> HttpResponse:
    """Redirect a repeated submit to the order that the first one placed."""
    placed = Order.objects.filter(pk=request.session.get("draft")).exclude(status=Order.Status.DRAFT).first()
    return redirect(placed) if placed else _nothing_to_order(request)


def _nothing_to_order(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("There is no order to pay yet. Please go to the checkout from your basket."))
    return redirect("basket")
