"""Two endpoints for the customer: put a gift voucher on the order, take one off it again.

Which order is meant is asked of the shop (``CHECKOUT_ORDER``), never of the URL or the form.
"""

import re
from typing import Any

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.forms import VoucherForm
from voucher_payment_gateway.checkout.summary import is_removable, payments_of, summarise
from voucher_payment_gateway.checkout.wording import (
    CODE_MISSING,
    NO_ORDER,
    NOT_ON_ORDER,
    UNUSABLE,
    amount_text,
    sentence,
)
from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError, WrongStateError
from voucher_payment_gateway.models import VoucherPayment

__all__ = ["apply", "remove"]

PRIMARY_KEY = re.compile(r"[0-9]{1,18}")


@transaction.non_atomic_requests
@never_cache
@sensitive_post_parameters("code", "pin")
@csrf_protect
@require_POST
def apply(request: HttpRequest) -> HttpResponse:
    """Reserve the gift voucher for the visitor's order, tell the result as a message, and go back."""
    order = _checkout_order(request)
    form = VoucherForm(request.POST)
    if order is None:
        messages.error(request, NO_ORDER)
    elif form.is_valid():
        _apply(request, order, form)
    else:
        messages.error(request, CODE_MISSING if form.is_empty else UNUSABLE)
    return _back(request)


@transaction.non_atomic_requests
@never_cache
@csrf_protect
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Take a gift voucher off the visitor's order, as long as nothing was charged to it, and go back."""
    order = _checkout_order(request)
    if order is None:
        messages.error(request, NO_ORDER)
    else:
        _remove(request, order)
    return _back(request)


@sensitive_variables("form")
def _apply(request: HttpRequest, order: Any, form: VoucherForm) -> None:
    try:
        payment = gateway.authorize(order, form.cleaned_data["code"], pin=form.cleaned_data["pin"])
    except VoucherGatewayError as error:
        messages.error(request, sentence(error))
    else:
        messages.success(request, _held_text(order, payment))


def _remove(request: HttpRequest, order: Any) -> None:
    key = request.POST.get("payment", "")
    payment = payments_of(order).filter(pk=key).first() if PRIMARY_KEY.fullmatch(key) else None
    if payment is None or payment.status == "cancelled":
        messages.info(request, NOT_ON_ORDER)
        return
    try:
        if not is_removable(payment):
            raise WrongStateError
        gateway.cancel(payment)
    except VoucherGatewayError as error:
        messages.error(request, sentence(error))
    else:
        gone = _("Gift voucher …%(hint)s was taken off your order. No money was taken from it.")
        messages.success(request, gone % {"hint": payment.code_hint})


def _held_text(order: Any, payment: VoucherPayment) -> str:
    due, until = summarise(order).due, payment.reserved_until
    held = _("Until %(time)s, %(held)s of gift voucher …%(hint)s is held for you.") % {
        "hint": payment.code_hint,
        "held": amount_text(payment.amount_authorized, payment.currency),
        "time": date_format(localtime(until), "TIME_FORMAT") if until else "",
    }
    if not due:
        return f"{held} {_('Your order is fully covered.')}"
    return f"{held} {_('%(due)s is still to pay.') % {'due': amount_text(due, payment.currency)}}"


def _checkout_order(request: HttpRequest) -> Any:
    path = gateway_settings().CHECKOUT_ORDER
    if not path:
        raise ImproperlyConfigured(f'{NAME}: CHECKOUT_ORDER must name a callable, "shop.checkout.order".')
    return import_string(path)(request)


def _back(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    response = HttpResponseRedirect(target if safe else "/")
    response.status_code = 303
    return response
