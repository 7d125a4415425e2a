"""The one place where a code that a visitor entered goes to the gateway."""

from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from voucher_payment_gateway import gateway, throttle
from voucher_payment_gateway.checkout.decorators import keep_silent
from voucher_payment_gateway.models import VoucherPayment

__all__ = ["enter_voucher"]


@sensitive_variables()
def enter_voucher(request: HttpRequest, order: Any, code: str, *, pin: str = "") -> VoucherPayment:
    """Reserve the voucher of this code for ``order``, entered by the visitor who sent ``request``.

    For shops with a field of their own, such as the discount field of a basket. Entering a code again is the same
    payment. Raises ThrottledError where too many codes were refused, before anything is sent, and what
    ``gateway.authorize`` raises; nothing is held then. Leave it outside of a transaction. From here on no report of
    an error in this request shows what was sent.
    """
    keep_silent(request)
    with throttle.attempt(request):
        return gateway.authorize(order, code, pin=pin)
