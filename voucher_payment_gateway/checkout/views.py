"""The customer's endpoints: enter a gift voucher, remove it, reserve it again, read the state.

Each serves an ordinary form, the script of the block (header ``Voucher-Fragment``) and JSON. The order comes from the
shop (``CHECKOUT_ORDER``), never from the URL or the form.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.block import Outcome
from voucher_payment_gateway.checkout.decorators import endpoint
from voucher_payment_gateway.checkout.problems import (
    CODE_MISSING,
    NO_ORDER,
    NOT_ON_ORDER,
    NOT_POSSIBLE,
    problem_of,
)
from voucher_payment_gateway.checkout.redeem import attempt, enter_voucher
from voucher_payment_gateway.checkout.requests import checkout_order, entered, fields_of, key_of
from voucher_payment_gateway.checkout.responses import answer
from voucher_payment_gateway.checkout.summary import (
    Summary,
    is_removable,
    payments_of,
    shown_summary,
    summarise,
)
from voucher_payment_gateway.checkout.wording import amount_text, time_text
from voucher_payment_gateway.codes import is_blank
from voucher_payment_gateway.exceptions import ReservationClosedError, VoucherGatewayError, WrongStateError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.sealing import Secret

__all__ = ["apply", "remove", "renew", "state"]

PRIMARY_KEY = re.compile(r"[0-9]{1,18}")


@endpoint("GET")
def state(request: HttpRequest) -> HttpResponse:
    """Return the state of the order's gift vouchers; nothing is changed."""
    order = checkout_order(request)
    return answer(request, Outcome(order, problem=None if order is not None else NO_ORDER))


@endpoint("POST")
@sensitive_variables()
def apply(request: HttpRequest) -> HttpResponse:
    """Reserve the gift voucher for the visitor's order."""
    fields, order = fields_of(request), checkout_order(request)
    key = key_of(request, fields)
    if order is None:
        return answer(request, Outcome(problem=NO_ORDER))
    return answer(request, _apply(request, order, entered(request), key))


@endpoint("POST")
def remove(request: HttpRequest) -> HttpResponse:
    """Remove a gift voucher from the visitor's order, if nothing was charged to it."""
    fields, order = fields_of(request), checkout_order(request)
    key = key_of(request, fields)
    if order is None:
        return answer(request, Outcome(problem=NO_ORDER))
    return answer(request, _remove(order, fields, key))


@endpoint("POST")
def renew(request: HttpRequest) -> HttpResponse:
    """Reserve again what is no longer held, and adjust the holds to what the order costs now."""
    key = key_of(request, fields_of(request))
    order = checkout_order(request)
    if order is None:
        return answer(request, Outcome(problem=NO_ORDER))
    return answer(request, _renew(request, order, key))


def _apply(request: HttpRequest, order: Any, secret: Secret, key: str) -> Outcome:
    if is_blank(secret.code):
        return Outcome(order, problem=CODE_MISSING)
    try:
        payment = enter_voucher(request, order, secret.code, pin=secret.pin, key=key)
    except VoucherGatewayError as error:
        return Outcome(order, problem=problem_of(error))
    return _as_it_is_now(order, payment)


def _as_it_is_now(order: Any, payment: VoucherPayment) -> Outcome:
    """Return what to say of a payment that was reserved, now or by an earlier request with the same key."""
    match payment.status:
        case "authorized":
            return Outcome(order, held_text(order, payment))
        case "captured" | "refunded":
            return Outcome(order, left_text(summarise(order)))
        case "cancelled":
            return Outcome(order, problem=NOT_ON_ORDER)
    return Outcome(order, problem=problem_of(ReservationClosedError()))


def _remove(order: Any, fields: Mapping[str, str], key: str) -> Outcome:
    pk = fields.get("payment", "")
    payment = payments_of(order).filter(pk=pk).first() if PRIMARY_KEY.fullmatch(pk) else None
    if payment is None:
        return Outcome(order, problem=NOT_ON_ORDER)
    try:
        if payment.status != "cancelled" and not is_removable(payment):
            raise WrongStateError
        if not gateway.cancel(payment, key=key):  # nothing was left to cancel, nor did this key do so before
            return Outcome(order, problem=NOT_ON_ORDER)
    except VoucherGatewayError as error:
        return Outcome(order, problem=problem_of(error))
    removed = _("Gift voucher …%(hint)s was taken off your order. No money was taken from it.")
    return Outcome(order, removed % {"hint": payment.code_hint})


def _renew(request: HttpRequest, order: Any, key: str) -> Outcome:
    try:
        with attempt(request, order) as tried:
            before = _reservations(order)
            gateway.authorize_selected(order, confirm=False, key=key)
            tried.was_sent = _reservations(order) != before
        summary = shown_summary(order)
    except VoucherGatewayError as error:
        return Outcome(order, problem=problem_of(error))
    if summary is None:
        return Outcome(order, problem=NOT_POSSIBLE)
    covered = _("Your gift vouchers now cover %(covered)s.") % {
        "covered": amount_text(summary.covered, summary.currency)
    }
    return Outcome(order, f"{covered} {left_text(summary)}")


def _reservations(order: Any) -> list[str]:
    return list(payments_of(order).values_list("reservation_id", flat=True))


def held_text(order: Any, payment: VoucherPayment) -> str:
    """Return the message after a voucher was reserved: how much, until when, and the amount still due."""
    until = payment.reserved_until
    held = _("Until %(time)s, %(held)s of gift voucher …%(hint)s is held for you.") % {
        "hint": payment.code_hint,
        "held": amount_text(payment.amount_authorized, payment.currency),
        "time": time_text(until) if until else "",
    }
    return f"{held} {left_text(summarise(order))}"


def left_text(summary: Summary) -> str:
    """Return the message about the amount still due."""
    left = _("%(due)s is still to pay.") if summary.due else _("Nothing is left to pay.")
    return left % {"due": amount_text(summary.due, summary.currency)}
