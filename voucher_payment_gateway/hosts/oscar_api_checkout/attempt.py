"""One attempt to pay an order: no gift voucher stays on the order that the customer does not name in it.

The host forgets a method that is left out of the next attempt, without a void, and takes over the state of one that has
the same key and amount, whatever code is entered for it.
"""

from contextlib import suppress
from typing import Any

from django.dispatch import receiver
from oscarapicheckout import signals, utils
from oscarapicheckout.views import CHECKOUT_ORDER_ID

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.hosts.oscar.sources import record
from voucher_payment_gateway.hosts.oscar_api_checkout import records
from voucher_payment_gateway.hosts.oscar_api_checkout.data import entered_codes
from voucher_payment_gateway.models import VoucherPayment

__all__ = ["begin", "release"]

BEGUN = "_gift_voucher_attempt"
"""The attribute of a request whose vouchers were compared with those on the order."""


def begin(request: Any, order: Any) -> None:
    """Release the vouchers of earlier attempts that this request does not name, once per request. No money moves.

    Raises OperationInProgressError while one of them is charged.
    """
    if getattr(request, BEGUN, None) == order.pk:
        return
    entered = entered_codes(request)
    kept = {
        payment.pk: key
        for key, payment in _in_session(request, order).items()
        if payment.code_fingerprint in entered.get(key, ())
    }
    _release_others(order, set(kept))
    _forget_all_but(request, order, set(kept.values()))
    setattr(request, BEGUN, order.pk)


def release(order: Any, payment: VoucherPayment) -> None:
    """Release one voucher of an order, then lower its source. What was charged stays: a refund is no matter of the
    checkout. Raises OperationInProgressError while it is charged."""
    gateway.cancel(payment, refund=False, reason="taken off at the checkout")
    record(order.number)


@receiver(signals.order_placed)
def begin_with_order(sender: Any, order: Any, request: Any, **kwargs: Any) -> None:
    """Begin before any method is asked, also where no voucher is named any more. What cannot be released now is tried
    again by the methods, and once the order is authorized: the host cannot undo an order that fails here."""
    with suppress(VoucherGatewayError):
        begin(request, order)


@receiver(signals.order_payment_authorized)
def release_unnamed(sender: Any, order: Any, request: Any, **kwargs: Any) -> None:
    """Release what the states of the checkout do not name: a deferred payment is completed without ``order_placed``.

    A bank that answers by a request of its own has no such states, and releases nothing.
    """
    if request.session.get(CHECKOUT_ORDER_ID) == order.pk:
        _release_others(order, {payment.pk for payment in _in_session(request, order).values()})


@receiver(signals.order_payment_declined)
def release_confirmed(sender: Any, order: Any, request: Any, **kwargs: Any) -> None:
    """Release what was confirmed for an order that was declined all the same: other orders may count on it again."""
    for payment in records.live_payments(order):
        if payment.confirmed_at:
            release(order, payment)


def _in_session(request: Any, order: Any) -> dict[str, VoucherPayment]:
    """Return the payments that the states in the session name, by key."""
    states = utils.list_payment_method_states(request)
    found = {key: records.payment_of(order, state.source_id) for key, state in states.items()}
    return {key: payment for key, payment in found.items() if payment}


def _release_others(order: Any, kept: set[int]) -> None:
    for payment in records.live_payments(order):
        if payment.pk not in kept:
            release(order, payment)


def _forget_all_but(request: Any, order: Any, kept: set[str]) -> None:
    """Drop the states of released vouchers, so that the host asks the method again."""
    ended = _in_session(request, order).keys() - kept
    states = request.session.get(utils.CHECKOUT_PAYMENT_STEPS, {})
    if ended:
        request.session[utils.CHECKOUT_PAYMENT_STEPS] = {
            key: state for key, state in states.items() if key not in ended
        }
