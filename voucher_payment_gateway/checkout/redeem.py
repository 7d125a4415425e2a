"""The only way from a code that a visitor entered to the gateway: throttled, and hidden from error reports."""

from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from voucher_payment_gateway import gateway, throttle
from voucher_payment_gateway.alerts import alert
from voucher_payment_gateway.checkout.decorators import hide_input
from voucher_payment_gateway.checkout.withholding import withhold
from voucher_payment_gateway.exceptions import PaymentStateError, VoucherUnusableError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.opaque import Opaque, opaque_code
from voucher_payment_gateway.order_lookup import account_by_number
from voucher_payment_gateway.orders import order_account
from voucher_payment_gateway.sealing import Secret

__all__ = ["attempt", "enter_voucher"]


def attempt(request: HttpRequest, order: Any) -> AbstractContextManager[throttle.Attempt]:
    """Return the context manager that counts an attempt to redeem a code for ``order``."""
    account = order_account(order)
    return throttle.attempt(request, account=account_by_number(order.number) if account is None else account)


@opaque_code
@sensitive_variables()
def enter_voucher(
    request: HttpRequest,
    order: Any,
    code: str | Opaque,
    *,
    pin: str | Opaque = "",
    amount: Decimal | str | None = None,
    key: str = "",
) -> VoucherPayment:
    """Reserve the voucher of this code for ``order``, for what is due or for ``amount``. Repeating it is safe: the same
    code is the same payment. With a ``key``, a repetition reserves nothing and returns the payment as it is now.

    For shops with an input field of their own, such as the discount field of a basket. Do not call it inside a
    transaction. From this call on, error reports of the request hide what the visitor sent, and its fields with the
    code or the PIN are empty, unless it raises VoucherUnusableError: then it may be another code of the shop's.

    Raises ThrottledError after too many refused codes, before anything is sent, and the errors of
    ``gateway.authorize``; nothing is held then.
    """
    hide_input(request)
    put_back = withhold(request, Secret(code, pin))
    try:
        with attempt(request, order):
            return gateway.authorize(order, code, pin=pin, amount=amount, key=key)
    except VoucherUnusableError:
        put_back()
        raise
    except PaymentStateError as error:
        alert(error, str(getattr(order, "pk", "?")))
        raise
