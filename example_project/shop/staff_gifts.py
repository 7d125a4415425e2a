"""The staff's buttons for orders with gift vouchers: note the payment, take gift vouchers back."""

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from shop.gift_returns import NotReturnedError, take_back
from shop.models import Order
from shop.paying import NotPaidError, take_payment
from shop.staff_views import button
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import VoucherGatewayError

__all__ = ["give_gifts_back", "mark_paid"]


@button
def mark_paid(request: HttpRequest, order: Order) -> None:
    """The customer has paid at the counter: the gift vouchers become valid."""
    if not order.awaits_payment:
        messages.info(request, _("Nothing is to be paid for this order."))
        return
    try:
        take_payment(order)
    except (NotPaidError, VoucherGatewayError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Order %(order)s is paid.") % {"order": order})


@button
def give_gifts_back(request: HttpRequest, order: Order) -> None:
    """The customer returns the gift vouchers of the order."""
    try:
        amount = take_back(order, actor=request.user.get_username())
    except NotReturnedError as error:
        messages.error(request, str(error))
        return
    words = {"amount": amount_text(amount, order.currency)}
    if hasattr(order, "card"):
        messages.success(
            request, _("The gift vouchers are taken back: %(amount)s went back to the card.") % words
        )
    elif amount:
        messages.success(request, _("The gift vouchers are taken back: please give %(amount)s back.") % words)
    else:
        messages.success(request, _("The gift vouchers are taken back. They were not paid."))
