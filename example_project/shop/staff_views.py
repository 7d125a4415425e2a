"""The pages of the staff: every button sends one of the shop's signals, then changes the status."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shop.forms import ReturnForm
from shop.gift_returns import NotReturnedError, can_be_taken_back, take_all_back
from shop.models import Order
from shop.paying import NotPaidError, charge, give_card_back
from shop.signals import goods_returned, order_cancelled
from voucher_payment_gateway.exceptions import VoucherGatewayError

staff_only = staff_member_required(login_url="login")
Status = Order.Status


@staff_only
@never_cache
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """List the placed orders, newest first."""
    placed = Order.objects.filter(confirmed_at__isnull=False)
    return render(request, "shop/staff_orders.html", {"orders": placed})


@staff_only
@never_cache
@require_safe
def order(request: HttpRequest, number: str) -> HttpResponse:
    """Show one order with its buttons."""
    found = _placed(number)
    context = {"order": found, "form": ReturnForm(), "gifts_left": can_be_taken_back(found)}
    return render(request, "shop/staff_order.html", context)


def button(action: Callable[[HttpRequest, Order], None]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Turn the action of a button into a view that redirects to the order, also after a login."""

    @staff_only
    @wraps(action)
    def view(request: HttpRequest, number: str) -> HttpResponse:
        if request.method == "POST":
            action(request, _placed(number))
        return redirect("staff_order", number)

    return view


@button
def ship(request: HttpRequest, order: Order) -> None:
    """The goods leave the shop."""
    if not _has_status(request, order, Status.CONFIRMED):
        return
    try:
        charge(order)
    except (NotPaidError, VoucherGatewayError) as error:
        messages.error(request, str(error))
    else:
        order.move(Status.CONFIRMED, to=Status.SHIPPED)
        messages.success(request, _("Order %(order)s is shipped.") % {"order": order})


@button
def cancel(request: HttpRequest, order: Order) -> None:
    """The order will not be carried out: first its unspent gift vouchers come back, then the money goes back."""
    if not _has_status(request, order, Status.CONFIRMED):
        return
    try:
        take_all_back(order, actor=request.user.get_username())
    except NotReturnedError as error:
        messages.error(request, str(error))
        return
    if _sent(request, order_cancelled, order):
        give_card_back(order)
        if order.paid_at and not hasattr(order, "card"):
            messages.info(request, _("Please give back what was paid at the counter."))
        order.move(Status.CONFIRMED, to=Status.CANCELLED)
        messages.success(request, _("Order %(order)s is cancelled.") % {"order": order})


@button
def give_back(request: HttpRequest, order: Order) -> None:
    """Goods came back: all of them, or a part worth ``amount``."""
    form = ReturnForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(form.errors.get("amount", [_("Please try again.")])))
    elif _has_status(request, order, Status.SHIPPED):
        _give_back(request, order, **form.cleaned_data)


def _give_back(request: HttpRequest, order: Order, *, amount: Any, seen: int) -> None:
    if not order.take_return(seen):
        messages.warning(request, _("Something was given back meanwhile. Please look at the figures first."))
    elif _sent(request, goods_returned, order, amount=amount):
        if amount is None or order.voucher_refunded >= order.voucher_captured:
            order.move(Status.SHIPPED, to=Status.RETURNED)
        messages.success(request, _("The return of order %(order)s is noted.") % {"order": order})


def _placed(number: str) -> Order:
    return get_object_or_404(Order, number=number, confirmed_at__isnull=False)


def _has_status(request: HttpRequest, order: Order, status: str) -> bool:
    if order.status == status:
        return True
    messages.info(
        request,
        _("Order %(order)s is already: %(status)s.") % {"order": order, "status": order.get_status_display()},
    )
    return False


def _sent(request: HttpRequest, signal: Signal, order: Order, **facts: Any) -> bool:
    """Send one of the shop's signals; return False and show the error if the payment failed."""
    try:
        signal.send(sender=Order, order=order, **facts)
    except VoucherGatewayError as error:
        messages.error(request, str(error))
        return False
    return True
