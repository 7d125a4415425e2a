"""Authorize the selected vouchers of an order, all at the same time: the confirmation of the checkout."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache, partial
from typing import Any

from voucher_payment_gateway.alerts import alert
from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.exceptions import PaymentStateError, VoucherGatewayError
from voucher_payment_gateway.gateway.holds.competing import competing_payments, let_go
from voucher_payment_gateway.gateway.holds.promises import Promises, is_same_voucher, with_same_pin
from voucher_payment_gateway.gateway.holds.reserve import Hold
from voucher_payment_gateway.gateway.operations.reservation import give_back
from voucher_payment_gateway.gateway.records.conflicts import (
    atomic_or_conflict,
    retry_on_conflict,
    unavailable_if_locked,
)
from voucher_payment_gateway.gateway.records.idempotency import Call, note_key, save_key
from voucher_payment_gateway.gateway.records.instance import refuse_other_instance
from voucher_payment_gateway.gateway.records.order_view import (
    OrderView,
    has_payments,
    read_order,
    refuse_if_open,
    without_unsent,
)
from voucher_payment_gateway.gateway.records.reused_number import refuse_reused_number
from voucher_payment_gateway.gateway.records.sqlite_lock import tell_of_transaction
from voucher_payment_gateway.gateway.verbs.after_commit import repeat_if_total_changes
from voucher_payment_gateway.gateway.verbs.confirmation_plan import (
    agreed_in_flight,
    lapse_what_ended,
    needing_hold,
    unconfirmed,
)
from voucher_payment_gateway.gateway.verbs.hold_requests import (
    HoldRequest,
    drop_duplicates,
    leave_to_confirmed,
    limit,
    refuse_in_flight,
    release_all,
    reserve_all,
    share_out,
)
from voucher_payment_gateway.gateway.verbs.own_payment import link_to_row, show_on
from voucher_payment_gateway.gateway.verbs.record_confirmation import record_confirmation
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO, largest
from voucher_payment_gateway.orders import OrderFacts, known_number, order_facts
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.sealing import unseal
from voucher_payment_gateway.telemetry import verb

__all__ = ["authorize_selected"]


@verb
def authorize_selected(
    order: Any, *, confirm: bool = True, key: str = "", actor: str = "", reason: str = ""
) -> list[VoucherPayment]:
    """Confirm the order's payments: reserve every selected voucher, and again those whose reservation has ended or
    whose order has another total by now.

    They are requested at the same time. The earlier voucher is used first; one that is not needed any more is
    not held. The payments that hold something then are confirmed: ``amount_agreed`` covers the order until it is
    captured or cancelled, or the Voucher Cloud refuses it, for ``CONFIRMED_DAYS`` at most, also after the reservation
    has ended. Of a voucher that confirmed payments of other orders count on, only the rest of its balance is held.
    Inside a transaction it is called again after the commit if the order has another total by then.

    With ``confirm=False`` they are reserved and not confirmed: for a checkout whose basket has changed.

    Returns the payments that hold something. Raises the first refusal after all were tried: that payment is ``failed``,
    the others keep their holds. Nothing is done for an order without vouchers. A call with a ``key`` is made once per
    order: repeated, it reserves nothing and returns the payments that hold something now; where it raised an error, it
    is made again.
    """
    return _authorize(order, key, {"actor": actor, "reason": reason}, confirm=confirm)


def _after_commit(facts: OrderFacts, *, confirm: bool) -> list[VoucherPayment]:
    """Reserve for the order as it is committed; the charges planned in the transaction follow what is held then."""
    return _authorize(facts, "", {}, confirm=confirm, is_after_commit=True)


def _authorize(
    order: Any, key: str, by: dict[str, Any], *, confirm: bool, is_after_commit: bool = False
) -> list[VoucherPayment]:
    number, refusals, reserved = known_number(order), [], []  # type: str, list[VoucherGatewayError], list[Hold]
    accounts: list[str] = []
    facts = cache(lambda: with_sold(order_facts(order), order))
    try:
        call = Call("authorize_selected", number, key)
    except PaymentStateError:
        if has_payments(number):
            raise
        return []

    def attempt() -> list[VoucherPayment]:
        known = call.find()
        if known and not reserved:
            return _holding(read_order(number))
        if is_after_commit and reserved:  # a charge was sent while the attempt before reserved
            give_back(number, reserved)
            reserved.clear()
        view = read_order(number)
        accounts[:] = [payment.account for payment in view.payments][-1:]
        unsent = without_unsent(view) if is_after_commit else []
        given = {**by, "idempotency_key": known or call.new_row()}
        return _attempt(view, facts, refusals, reserved, given, unsent, confirm=confirm)

    try:
        with unavailable_if_locked(lambda: give_back(number, reserved)):
            payments = retry_on_conflict(attempt)
    except VoucherGatewayError as error:
        alert(error, number, *accounts)
        raise
    for payment in payments:
        show_on(order, payment)
    _report(refusals, number, accounts)
    return payments


def _report(refusals: list[VoucherGatewayError], number: str, accounts: list[str]) -> None:
    for refusal in refusals:
        alert(refusal, number, *accounts)
    if refusals:
        raise refusals[0]


def _attempt(
    view: OrderView,
    facts_of_order: Callable[[], OrderFacts],
    refusals: list[VoucherGatewayError],
    reserved: list[Hold],
    by: dict[str, Any],
    unsent: list[int],
    *,
    confirm: bool,
) -> list[VoucherPayment]:
    """One attempt; only an order with vouchers needs its facts. ``refusals`` and ``reserved`` list what this call was
    refused and reserved last; ``unsent`` are the charges that must not have been sent when it writes."""
    if not view.payments:
        return []
    refuse_other_instance()
    facts = facts_of_order()
    refuse_reused_number(view.order_number, facts.created_at)
    link_to_row(view, facts)
    repeat_if_total_changes(facts, partial(_after_commit, confirm=confirm))
    view.refuse_other_currency(facts.currency)
    if confirm:
        refusals += lapse_what_ended(view)
    needing = needing_hold(view, facts.payable)
    refuse_if_open(needing)
    due = view.due(facts.payable, without=needing)
    requests = _requests(view, needing if due > ZERO else [], facts, confirm=confirm)
    if requests:
        drop_duplicates(view, requests)
    if needing and due == ZERO:
        _release_unneeded(needing, by)
    if requests or (confirm and unconfirmed(view)):
        promises = Promises(_vouchers_of(view, requests))
        leave_to_confirmed(requests, promises)
        share_out(requests, view.due(facts.payable, without=[request.payment for request in requests]))
        reserved[:] = [request.answer for request in requests if isinstance(request.answer, Hold)]
        reported: Any = [request.answer for request in requests if request.is_reported]
        if refusals or reported:
            by["idempotency_key"] = None  # a call that raises is made again with its key
        in_flight = agreed_in_flight(view, facts.payable)
        record_confirmation(view, requests, promises, by, in_flight, unsent, confirm=confirm)
        refusals += reported
    elif _holding(view):
        note_key(by["idempotency_key"])
    return _holding(view)


def _holding(view: OrderView) -> list[VoucherPayment]:
    return [payment for payment in view.payments if payment.status == "authorized"]


def _requests(
    view: OrderView, needing: list[VoucherPayment], facts: OrderFacts, *, confirm: bool
) -> list[HoldRequest]:
    """Reserve for each payment that needs a hold, and for each that is to be confirmed although confirmed orders leave
    less of its voucher than it holds."""
    to_confirm = [payment for payment in unconfirmed(view) if confirm and payment not in needing]
    if not needing and not to_confirm:
        return []
    competing = competing_payments([*needing, *to_confirm])
    most = min(view.due(facts.payable, without=needing), largest(smallest_unit(facts.currency)))
    requests = [_request(payment, min(most, payment.amount_limit or most), competing) for payment in needing]
    held = [_request(payment, payment.amount_authorized, competing) for payment in to_confirm]
    refuse_in_flight([*requests, *held], competing, facts.currency)
    limit(request for request in [*requests, *held] if request.answer is None)
    requests += [
        request for request in held if request.answer or request.amount < request.payment.amount_authorized
    ]
    if requests:
        tell_of_transaction()
    reserve_all([request for request in requests if request.answer is None])
    return requests


def _request(payment: VoucherPayment, amount: Decimal, competing: list[VoucherPayment]) -> HoldRequest:
    others = [other for other in competing if is_same_voucher(payment, other)]
    secret = unseal(payment.sealed_code)
    return HoldRequest(payment, amount, with_same_pin(others, secret) if secret else others)


def _vouchers_of(view: OrderView, requests: list[HoldRequest]) -> set[str]:
    held = {request.answer.voucher_id for request in requests if isinstance(request.answer, Hold)}
    return held | {payment.voucher_id for payment in unconfirmed(view)}


def _release_unneeded(not_needed: list[VoucherPayment], by: dict[str, Any]) -> None:
    """End the holds that the order does not need, and count on these vouchers no more."""
    held = [payment for payment in not_needed if payment.status == "authorized"]
    release_all([(payment.reservation_id, payment.account) for payment in held])
    with atomic_or_conflict():
        for payment in not_needed:
            let_go(payment)
        save_key(by["idempotency_key"])
