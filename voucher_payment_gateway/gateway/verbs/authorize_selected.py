"""Authorize the selected vouchers of an order, all at the same time.

All calls are made before the first row is written, so no lock of the database is held while the network is slow.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from django.utils import timezone

from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.exceptions import RefusedError, ReservationClosedError, VoucherGatewayError
from voucher_payment_gateway.gateway.holds.competing import (
    competing_payments,
    mark_lapsed,
    refuse_if_in_flight,
)
from voucher_payment_gateway.gateway.holds.reserve import Hold, release, reserve_available
from voucher_payment_gateway.gateway.operations.reservation import (
    fail_payment,
    give_back,
    record_authorization,
)
from voucher_payment_gateway.gateway.records.conflicts import (
    atomic_or_conflict,
    retry_on_conflict,
    unavailable_if_locked,
)
from voucher_payment_gateway.gateway.records.instance import refuse_other_instance
from voucher_payment_gateway.gateway.records.order_view import (
    OrderView,
    read_order,
    refuse_if_open,
)
from voucher_payment_gateway.gateway.records.payments import (
    SUPERSEDED,
    change_payment,
    hold_ended_fields,
    hold_lost_fields,
    is_usable_now,
    superseded_fields,
)
from voucher_payment_gateway.gateway.records.reused_number import refuse_reused_number
from voucher_payment_gateway.gateway.verbs.authorize import refuse_taxable, show_on
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO, largest
from voucher_payment_gateway.orders import known_number, order_facts
from voucher_payment_gateway.rules.states import HELD_BEFORE
from voucher_payment_gateway.rules.timing import ends_soon
from voucher_payment_gateway.sealing import unseal

__all__ = ["authorize_selected"]

MAX_PARALLEL = 8
"""Maximum number of reservations of one order that are requested at the same time."""

Given = TypeVar("Given")
Got = TypeVar("Got")


@dataclass
class HoldRequest:
    """One voucher to be held: the maximum amount, and the answer of the Voucher Cloud."""

    payment: VoucherPayment
    amount: Decimal
    answer: Hold | VoucherGatewayError | None = None
    is_duplicate: bool = False
    """Another spelling of a code that is on the order already: it is removed."""
    is_needed: bool = True
    is_replaced: bool = False
    """Whether its reservation is lost, or may be, because another one was requested."""
    holds: bool = field(init=False)
    """Whether its reservation is good, though for another amount than is due now."""

    def __post_init__(self) -> None:
        self.holds = is_usable_now(self.payment)

    def on_previous_lost(self) -> None:
        """Note that another reservation of the voucher was made, or may have been."""
        self.is_replaced = True


def authorize_selected(order: Any) -> list[VoucherPayment]:
    """Reserve every selected voucher of the order, and again those whose reservation has ended or whose order has
    another total by now.

    They are requested at the same time. The earlier voucher is used first; one that is not needed any more is
    not held. Returns the payments that hold something. Raises the first refusal after all were tried: that payment
    is ``failed``, the others keep their holds. Nothing is done for an order without vouchers.
    """
    number, refusals, reserved = known_number(order), [], []  # type: str, list[VoucherGatewayError], list[Hold]
    with unavailable_if_locked(lambda: give_back(number, reserved)):
        payments = retry_on_conflict(lambda: _authorize_selected(order, number, refusals, reserved))
    for payment in payments:
        show_on(order, payment)
    if refusals:
        raise refusals[0]
    return payments


def _authorize_selected(
    order: Any, number: str, refusals: list[VoucherGatewayError], reserved: list[Hold]
) -> list[VoucherPayment]:
    """One attempt. ``refusals`` and ``reserved`` list what this call was refused, and what it reserved last."""
    view = read_order(number)
    if not view.payments:
        return []
    refuse_other_instance()
    facts = order_facts(order)
    refuse_reused_number(number, facts.created_at)
    view.refuse_other_currency(facts.currency)
    needing = _needing_hold(view, facts.total)
    refuse_if_open(needing)
    due = min(view.due(facts.total, without=needing), largest(smallest_unit(facts.currency)))
    if needing and due > ZERO:
        competing = competing_payments(needing)
        refuse_if_in_flight(competing)
        requests = [HoldRequest(payment, min(due, payment.amount_limit or due)) for payment in needing]
        _reserve_all(requests)
        _drop_duplicates(view, requests)
        _share_out(requests, view.due(facts.total, without=[request.payment for request in requests]))
        reserved[:] = [request.answer for request in requests if isinstance(request.answer, Hold)]
        _write(view, requests, competing)
        refusals += [request.answer for request in requests if _is_reported(request)]  # type: ignore[misc]
    elif needing:
        _release_unneeded([payment for payment in needing if payment.status == "authorized"])
    return [payment for payment in view.payments if payment.status == "authorized"]


def _release_unneeded(not_needed: list[VoucherPayment]) -> None:
    """End the holds that the order does not need. Nothing relies on the answers: a reservation lapses by itself."""
    _in_parallel(lambda payment: release(payment.reservation_id), not_needed)
    with atomic_or_conflict():
        for payment in not_needed:
            mark_lapsed(payment)


def _needing_hold(view: OrderView, total: Decimal) -> list[VoucherPayment]:
    """Return the payments to be reserved: for the first time, again, or for another amount."""
    due, needed = view.due(total), view.due(total, without=view.payments)
    held = sum((payment.amount_authorized for payment in view.payments), ZERO)

    def is_wanting(payment: VoucherPayment) -> bool:
        if payment.cancel_requested_at is not None:
            return False
        if payment.status == "selected" or not is_usable_now(payment):
            return payment.status == "selected" or (
                payment.status in HELD_BEFORE and bool(payment.sealed_code)
            )
        changed = held > needed or (due > ZERO and payment.amount_limit is None)
        may_change = bool(payment.sealed_code) and not payment.has_open_operation
        return may_change and (changed or ends_soon(payment.reserved_until, timezone.now()))

    return [payment for payment in view.payments if is_wanting(payment)]


def _reserve_all(requests: list[HoldRequest]) -> None:
    """Reserve for all requests at the same time; an answer may also be an error."""

    def reserve(request: HoldRequest) -> None:
        request.answer = _reserve_one(request)

    _in_parallel(reserve, requests)


def _reserve_one(request: HoldRequest) -> Hold | VoucherGatewayError:
    secret = unseal(request.payment.sealed_code)
    if secret is None:
        return ReservationClosedError(
            "The code is not stored; the customer must enter it again. No money moved."
        )
    try:
        hold = reserve_available(
            secret,
            request.amount,
            request.payment.currency,
            voucher_id=request.payment.voucher_id,
            on_previous_lost=request.on_previous_lost,
        )
        refuse_taxable(hold)
    except VoucherGatewayError as error:
        return error
    return hold


def _drop_duplicates(view: OrderView, requests: list[HoldRequest]) -> None:
    """Find several spellings of one code: only the first stays. It is reserved again, since the others replaced it."""
    needing = {request.payment.pk for request in requests}
    others = [payment for payment in view.payments if payment.status in HELD_BEFORE]
    first = {p.voucher_id: HoldRequest(p, p.amount_authorized) for p in others if p.pk not in needing}
    again: list[HoldRequest] = []
    for request in list(requests):
        if not isinstance(request.answer, Hold):
            continue
        kept = first.setdefault(request.answer.voucher_id, request)
        if kept is not request:
            refuse_if_open([kept.payment])
            request.is_duplicate, request.answer = True, None
            again += [kept] if kept not in again else []
    requests += [request for request in again if request.payment.pk not in needing]
    _reserve_all(again)


def _share_out(requests: list[HoldRequest], due: Decimal) -> None:
    """Share what is due, oldest payment first. A larger hold is reserved again, an unneeded one is released."""
    too_much: list[HoldRequest] = []
    not_needed: list[Hold] = []
    left = due - sum(
        (request.payment.amount_authorized for request in requests if _keeps_its_hold(request)), ZERO
    )
    for request in sorted(requests, key=lambda request: request.payment.pk):
        if not isinstance(request.answer, Hold):
            continue
        request.amount = max(min(request.answer.amount, left), ZERO)
        left -= request.amount
        if request.amount == ZERO:
            not_needed.append(request.answer)
            request.answer, request.is_needed = None, False
        elif request.amount < request.answer.amount:
            too_much.append(request)
    _in_parallel(lambda hold: release(hold.reservation_id), not_needed)
    _reserve_all(too_much)


def _keeps_its_hold(request: HoldRequest) -> bool:
    """Return whether the payment keeps its hold: no answer came, or a change was refused and the hold is good."""
    refused = isinstance(request.answer, RefusedError)
    return isinstance(request.answer, VoucherGatewayError) and (request.holds or not refused)


def _is_reported(request: HoldRequest) -> bool:
    return isinstance(request.answer, VoucherGatewayError) and not (
        request.holds and isinstance(request.answer, RefusedError)
    )


def _write(view: OrderView, requests: list[HoldRequest], competing: list[VoucherPayment]) -> None:
    """Write everything or, with ConflictError, nothing."""
    number = view.next_number
    with atomic_or_conflict():
        for request in requests:
            _write_not_held(request)
        for request in requests:
            if isinstance(request.answer, Hold):
                for earlier in view.uncaptured_remainders(codes=(), voucher_id=request.answer.voucher_id):
                    change_payment(earlier, **superseded_fields(earlier))
                limit = request.payment.amount_limit
                record_authorization(
                    request.payment, request.answer, number, limit=limit, competing=competing
                )
                number += 1


def _write_not_held(request: HoldRequest) -> None:
    if request.is_duplicate:
        change_payment(request.payment, **hold_ended_fields(request.payment, otherwise="lapsed") | SUPERSEDED)
    elif isinstance(request.answer, RefusedError) and not request.holds:
        fail_payment(request.payment, request.payment.amount_authorized)
    elif request.payment.status != "authorized":
        return
    elif not request.is_needed:
        mark_lapsed(request.payment)
    elif request.is_replaced and isinstance(request.answer, VoucherGatewayError):
        change_payment(request.payment, **hold_lost_fields())


def _in_parallel(do: Callable[[Given], Got], all_of_them: list[Given]) -> None:
    at_once = min(len(all_of_them), MAX_PARALLEL)
    if at_once > 1:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(do, all_of_them))
        return
    for one in all_of_them:
        do(one)
