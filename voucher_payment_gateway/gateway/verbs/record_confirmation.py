"""Record the outcome of a confirmation: the holds of its payments, and what was refused or is not needed."""

from decimal import Decimal
from typing import Any

from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError
from voucher_payment_gateway.gateway.holds.competing import let_go
from voucher_payment_gateway.gateway.holds.promises import Promises, confirmed_fields
from voucher_payment_gateway.gateway.holds.reserve import Hold
from voucher_payment_gateway.gateway.operations.reservation import fail_payment, record_authorization
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict
from voucher_payment_gateway.gateway.records.idempotency import save_key
from voucher_payment_gateway.gateway.records.order_view import OrderView, refuse_if_sent
from voucher_payment_gateway.gateway.records.payments import (
    SUPERSEDED,
    change_payment,
    hold_ended_fields,
    hold_lost_fields,
    superseded_fields,
)
from voucher_payment_gateway.gateway.verbs.confirmation_plan import unconfirmed
from voucher_payment_gateway.gateway.verbs.hold_requests import HoldRequest
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.rules.cover import agreed

__all__ = ["record_confirmation"]


def record_confirmation(
    view: OrderView,
    requests: list[HoldRequest],
    promises: Promises,
    by: dict[str, Any],
    in_flight: dict[int, Decimal],
    unsent: list[int],
    *,
    confirm: bool,
) -> None:
    """Write everything or, with ConflictError, nothing.

    ``by``: the fields of the call that its operations store. ``in_flight``: what is agreed per payment with a charge in
    flight. ``unsent``: the charges that must not have been sent. ``confirm``: whether the payments are confirmed too.
    """
    number = view.next_number
    with atomic_or_conflict():
        refuse_if_sent(unsent)
        for request in requests:
            _write_not_held(request)
        for request in requests:
            if isinstance(request.answer, Hold):
                _write_held(view, request.payment, request.answer, number, promises, by, confirm=confirm)
                number += 1
        unanswered = [request.payment for request in requests if request.is_reported]
        for payment in unconfirmed(view):
            if confirm and payment not in unanswered:
                fields = confirmed_fields(payment, payment.voucher_id, promises)
                fields["amount_agreed"] = in_flight.get(payment.pk, payment.amount_agreed)
                change_payment(payment, **fields)
        save_key(by["idempotency_key"])


def _write_held(
    view: OrderView,
    payment: VoucherPayment,
    hold: Hold,
    number: int,
    promises: Promises,
    by: dict[str, Any],
    *,
    confirm: bool,
) -> None:
    """Record the hold of a payment, and its confirmation."""
    for earlier in view.uncaptured_remainders(payment.account, codes=(), voucher_id=hold.voucher_id):
        change_payment(earlier, **superseded_fields(earlier))
    is_confirmed = confirm or payment.confirmed_at is not None
    confirmed = confirmed_fields(payment, hold.voucher_id, promises) if is_confirmed else {}
    others = promises.of_others(hold.voucher_id, payment)
    limit = payment.amount_limit
    record_authorization(payment, hold, number, limit=limit, others=others, by=by, **confirmed)


def _write_not_held(request: HoldRequest) -> None:
    if request.is_duplicate:
        change_payment(request.payment, **hold_ended_fields(request.payment, otherwise="lapsed") | SUPERSEDED)
    elif isinstance(request.answer, RefusedError) and not request.holds and not request.is_doubtful:
        fail_payment(request.payment, max(request.payment.amount_authorized, agreed(request.payment)))
    elif not request.is_needed:
        let_go(request.payment)
    elif request.payment.status != "authorized":
        return
    elif request.is_replaced and isinstance(request.answer, VoucherGatewayError):
        change_payment(request.payment, **hold_lost_fields())
