"""The discount field of the basket. Customers enter gift vouchers there too, so both are accepted."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from shop.basket import DISCOUNTS, Basket
from shop.checkout import follow_basket, start
from voucher_payment_gateway.checkout import enter_voucher, error_message
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import VoucherGatewayError, VoucherUnusableError

__all__ = ["enter_discount"]


@sensitive_post_parameters("discount")
@require_POST
def enter_discount(request: HttpRequest) -> HttpResponse:
    """Accept a discount code or a gift voucher."""
    if not Basket(request).count:
        return redirect("basket")
    return _enter(request)


@sensitive_variables()
def _enter(request: HttpRequest) -> HttpResponse:
    code = request.POST.get("discount", "").strip()
    if code.upper() in DISCOUNTS:
        request.session["discount"] = code.upper()
        follow_basket(request)
        messages.success(request, _("Your discount is taken off."))
        return redirect("basket")
    return _try_as_voucher(request, code)


def _try_as_voucher(request: HttpRequest, code: str) -> HttpResponse:
    order = start(request)
    try:
        payment = enter_voucher(request, order, code)
    except VoucherUnusableError:
        messages.error(request, _(
            "This is neither a discount code nor a gift voucher that we can redeem. If it is a gift voucher with a "
            "PIN, please enter both at the checkout."
        ))  # fmt: skip
        return redirect("basket")
    except VoucherGatewayError as error:
        messages.error(request, error_message(error))
        return redirect("basket")
    messages.success(request, _(
        "That is a gift voucher, not a discount code. We have put it where it belongs: %(amount)s of it is held for "
        "your order."
    ) % {"amount": amount_text(payment.amount_authorized, payment.currency)})  # fmt: skip
    return redirect("checkout")
