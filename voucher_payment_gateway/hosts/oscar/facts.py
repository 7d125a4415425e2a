"""The order of a visitor's checkout, before Oscar has a row for it: its number, its total, and where they are noted."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import django.db
from django.contrib import messages
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from oscar.apps.checkout.exceptions import FailedPreCondition
from oscar.core.loading import get_class, get_model

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.hosts.oscar.conf import oscar_settings
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import OrderFacts
from voucher_payment_gateway.rules.states import LIVE_STATUSES

__all__ = [
    "checkout_facts",
    "current_order",
    "facts_of",
    "has_payments",
    "noted_number",
    "order_of",
    "order_of_basket",
    "placed_order",
    "release",
]

NAMESPACE, KEY = "voucher_payment_gateway", "order"
"""Where Oscar's checkout session notes the order number, and the basket that it belongs to. Never a code."""


def current_order(request: Any) -> OrderFacts | None:
    """Return what this visitor's checkout is about to order, or None: without a basket, an e-mail address and a
    shipping method there is nothing to pay yet, and once the order is placed it is not changed here any more.

    For ``CHECKOUT_ORDER``. The total is that of the shop's own ``PaymentDetailsView``.
    """
    view = get_class("checkout.views", "PaymentDetailsView")()
    view.setup(request)
    view.checkout_session = get_class("checkout.utils", "CheckoutSessionData")(request)
    try:
        view.check_pre_conditions(request)
    except FailedPreCondition:
        return None
    return checkout_facts(view, request.basket, view.build_submission()["order_total"])


def checkout_facts(view: Any, basket: Any, total: Any) -> OrderFacts | None:
    """Return the facts of the order that ``view`` would place; None without a total, and for one that is placed."""
    if total is None or basket.pk is None or not total.is_tax_known:
        return None
    number = _noted_or_new_number(view, basket)
    return None if order_of(number) is not None else facts_of(number, basket, total)


def facts_of(number: str, basket: Any, total: Any) -> OrderFacts:
    """Return the facts for a total of Oscar's, a ``Price``."""
    path = oscar_settings().SOLD_IN_BASKET
    sold = Decimal(import_string(path)(basket)) if path else None
    return OrderFacts(number, total.incl_tax, total.currency, sold=sold)


def noted_number(checkout_session: Any, basket: Any) -> str:
    """Return the number under which vouchers were entered for this basket, or ""."""
    noted = checkout_session._get(NAMESPACE, KEY) or {}
    return str(noted["number"]) if noted.get("basket") == basket.pk else ""


def _noted_or_new_number(view: Any, basket: Any) -> str:
    number = str(view.generate_order_number(basket))
    earlier = view.checkout_session._get(NAMESPACE, KEY)
    if earlier != {"basket": basket.pk, "number": number}:
        view.checkout_session._set(NAMESPACE, KEY, {"basket": basket.pk, "number": number})
        if earlier and earlier["number"] != number:
            _release_earlier(view.request, earlier["number"])
    return number


def _release_earlier(request: HttpRequest, number: str) -> None:
    """The visitor has another basket now, as after logging in: its order has another number."""
    if release(number):
        text = _(
            "Your basket has changed. Please enter your gift vouchers again; nothing was taken from them."
        )
        messages.warning(request, text, fail_silently=True)


def release(number: str) -> bool:
    """Let go of the vouchers of an order that was not placed; return whether there were any. What cannot be released
    now lapses by itself. Nothing is done where an order has this number, or a voucher was confirmed or charged."""
    payments = VoucherPayment.current.filter(order_number=number, confirmed_at=None, amount_captured=ZERO)
    live = [] if order_of(number) is not None else list(payments.filter(status__in=LIVE_STATUSES))
    for payment in live:
        with suppress(VoucherGatewayError, django.db.Error):
            gateway.cancel(payment, reason="the order was not placed")
    return bool(live)


def has_payments(number: Any) -> bool:
    """Return whether vouchers have to do with the order of this number."""
    return bool(VoucherPayment.current.filter(order_number=str(number)).exists())


def order_of(number: Any) -> Any:
    """Return the order of this number, or None."""
    return get_model("order", "Order")._default_manager.filter(number=str(number)).first()


def order_of_basket(basket: Any) -> Any:
    """Return the order that was placed from ``basket``, or None."""
    return get_model("order", "Order")._default_manager.filter(basket_id=basket.pk).first()


def placed_order(number: Any, basket: Any) -> Any:
    """Return the order of this number that was placed from ``basket``, or None."""
    order = order_of(number)
    return order if order is not None and order.basket_id == basket.pk else None
