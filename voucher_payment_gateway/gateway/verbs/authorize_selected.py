"""Authorize what was selected: every voucher of an order at the same time.

All calls are made before the first row is written, so no lock of the database is held while the network is slow.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from django.utils import timezone

from voucher_payment_gateway.exceptions import RefusedError, ReservationClosedError, VoucherGatewayError
from voucher_payment_gateway.gateway.holds.competing import (
    competing_payments,
    mark_lapsed,
    refuse_if_in_flight,
)
from voucher_payment_gateway.gateway.holds.reserve import Hold, release, reserve_available
from voucher_payment_gateway.gateway.operations.reservation import (
    fail_payment,
    record_authorization,
)
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, retry_on_conflict
from voucher_payment_gateway.gateway.records.order_view import (
    OrderView,
    read_order,
    refuse_if_open,
    refuse_other_currency,
)
from voucher_payment_gateway.gateway.records.payments import (
    SUPERSEDED,
    change_payment,
    hold_ended_fields,
    is_usable_now,
    superseded_fields,
)
from voucher_payment_gateway.gateway.verbs.authorize import refuse_taxable, show_on
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import LARGEST, ZERO
from voucher_payment_gateway.orders import OrderFacts, order_facts
from voucher_payment_gateway.rules.states import HELD_BEFORE
from voucher_payment_gateway.rules.timing import ends_soon
from voucher_payment_gateway.sealing import unseal

__all__ = ["authorize_selected"]

MAX_PARALLEL = 8
"""So many reservations of one order are asked for at the same time."""

Given = TypeVar("Given")
Got = TypeVar("Got")


@dataclass
class HoldRequest:
    """One voucher that is to be held: for how much at most, and what the Voucher Cloud answered."""

    payment: VoucherPayment
    amount: Decimal
    answer: Hold | VoucherGatewayError | None = None
    is_twin: bool = False
    """Another spelling of a code that is on the order already: it is taken off."""
    is_needed: bool = True
    is_replaced: bool = False
    """Whether its reservation is gone, or may be, because another was asked for."""
    holds: bool = field(init=False)
    """Whether its reservation is good, though for another amount than is due now."""

    def __post_init__(self) -> None:
        self.holds = is_usable_now(self.payment)

    def on_replaced(self) -> None:
        """Note that another reservation of the voucher was made, or may have been."""
        self.is_replaced = True


def authorize_selected(order: Any) -> list[VoucherPayment]:
    """Reserve every selected voucher of the order, and anew those whose reservation has ended or whose order costs
    more or less by now.

    They are asked for at the same time. The earlier voucher is used first; one that is not needed any more is
    not held. Returns the payments that hold something. Raises the first refusal after all were tried: that payment
    is ``failed``, the others hold what they hold.
    """
    facts, refusals = order_facts(order), []  # type: OrderFacts, list[VoucherGatewayError]
    payments = retry_on_conflict(lambda: _authorize_selected(facts, refusals))
    for payment in payments:
        show_on(order, payment)
    if refusals:
        raise refusals[0]
    return payments


def _authorize_selected(facts: OrderFacts, refusals: list[VoucherGatewayError]) -> list[VoucherPayment]:
    view = read_order(facts.number)
    refuse_other_currency(view, facts)
    wanting = _needing_hold(view, facts.total)
    refuse_if_open(wanting)
    due = min(view.due(facts.total, without=wanting), LARGEST)
    if wanting and due > ZERO:
        rivals = competing_payments(wanting)
        refuse_if_in_flight(rivals)
        wishes = [HoldRequest(payment, min(due, payment.amount_limit or due)) for payment in wanting]
        _reserve_all(wishes)
        _drop_duplicates(view, wishes)
        _share_out(wishes, view.due(facts.total, without=[wish.payment for wish in wishes]))
        _write(view, wishes, rivals)
        refusals += [wish.answer for wish in wishes if _is_reported(wish)]  # type: ignore[misc]
    elif wanting:
        _release_unneeded([payment for payment in wanting if payment.status == "authorized"])
    return [payment for payment in view.payments if payment.status == "authorized"]


def _release_unneeded(not_needed: list[VoucherPayment]) -> None:
    """End what is held for an order that is paid without it; release asks, and relies on nothing."""
    _in_parallel(lambda payment: release(payment.reservation_id), not_needed)
    with atomic_or_conflict():
        for payment in not_needed:
            mark_lapsed(payment)


def _needing_hold(view: OrderView, total: Decimal) -> list[VoucherPayment]:
    """Return the payments that are to be held, or longer, or for another amount."""
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


def _reserve_all(wishes: list[HoldRequest]) -> None:
    """Reserve what each wishes for, all at the same time; an answer may also be an error."""

    def ask(wish: HoldRequest) -> None:
        wish.answer = _reserve_one(wish)

    _in_parallel(ask, wishes)


def _reserve_one(wish: HoldRequest) -> Hold | VoucherGatewayError:
    secret = unseal(wish.payment.sealed_code)
    if secret is None:
        return ReservationClosedError(
            "The code is not stored; the customer must enter it again. No money moved."
        )
    try:
        hold = reserve_available(
            secret,
            wish.amount,
            wish.payment.currency,
            voucher_id=wish.payment.voucher_id,
            on_replaced=wish.on_replaced,
        )
        refuse_taxable(hold)
    except VoucherGatewayError as error:
        return error
    return hold


def _drop_duplicates(view: OrderView, wishes: list[HoldRequest]) -> None:
    """Find several spellings of one code: only the first stays, reserved again, for the others replaced it."""
    wanting = {wish.payment.pk for wish in wishes}
    others = [payment for payment in view.payments if payment.status in HELD_BEFORE]
    first = {p.voucher_id: HoldRequest(p, p.amount_authorized) for p in others if p.pk not in wanting}
    again: list[HoldRequest] = []
    for wish in list(wishes):
        if not isinstance(wish.answer, Hold):
            continue
        kept = first.setdefault(wish.answer.voucher_id, wish)
        if kept is not wish:
            refuse_if_open([kept.payment])
            wish.is_twin, wish.answer = True, None
            again += [kept] if kept not in again else []
    wishes += [wish for wish in again if wish.payment.pk not in wanting]
    _reserve_all(again)


def _share_out(wishes: list[HoldRequest], due: Decimal) -> None:
    """Give each, in order, what is still due; what holds too much is reserved anew, what is not needed let go."""
    too_much: list[HoldRequest] = []
    not_needed: list[Hold] = []
    left = due - sum((wish.payment.amount_authorized for wish in wishes if _keeps_its_hold(wish)), ZERO)
    for wish in sorted(wishes, key=lambda wish: wish.payment.pk):
        if not isinstance(wish.answer, Hold):
            continue
        wish.amount = max(min(wish.answer.amount, left), ZERO)
        left -= wish.amount
        if wish.amount == ZERO:
            not_needed.append(wish.answer)
            wish.answer, wish.is_needed = None, False
        elif wish.amount < wish.answer.amount:
            too_much.append(wish)
    _in_parallel(lambda hold: release(hold.reservation_id), not_needed)
    _reserve_all(too_much)


def _keeps_its_hold(wish: HoldRequest) -> bool:
    """Whether the payment keeps what it held: no answer came, or what it holds was not to be changed after all."""
    refused = isinstance(wish.answer, RefusedError)
    return isinstance(wish.answer, VoucherGatewayError) and (wish.holds or not refused)


def _is_reported(wish: HoldRequest) -> bool:
    return isinstance(wish.answer, VoucherGatewayError) and not (
        wish.holds and isinstance(wish.answer, RefusedError)
    )


def _write(view: OrderView, wishes: list[HoldRequest], rivals: list[VoucherPayment]) -> None:
    """Write all of it or, OutdatedError, nothing."""
    number = view.next_number
    with atomic_or_conflict():
        for wish in wishes:
            _write_not_held(wish)
        for wish in wishes:
            if isinstance(wish.answer, Hold):
                for earlier in view.left_over(codes=(), voucher_id=wish.answer.voucher_id):
                    change_payment(earlier, **superseded_fields(earlier))
                limit = wish.payment.amount_limit
                record_authorization(wish.payment, wish.answer, number, limit=limit, rivals=rivals)
                number += 1


def _write_not_held(wish: HoldRequest) -> None:
    if wish.is_twin:
        change_payment(wish.payment, **hold_ended_fields(wish.payment, otherwise="lapsed") | SUPERSEDED)
    elif isinstance(wish.answer, RefusedError) and not wish.holds:
        fail_payment(wish.payment, wish.payment.amount_authorized)
    elif wish.payment.status != "authorized":
        return
    elif not wish.is_needed:
        mark_lapsed(wish.payment)
    elif wish.is_replaced and isinstance(wish.answer, VoucherGatewayError):
        change_payment(wish.payment, reserved_until=timezone.now())


def _in_parallel(do: Callable[[Given], Got], all_of_them: list[Given]) -> None:
    at_once = min(len(all_of_them), MAX_PARALLEL)
    if at_once > 1:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(do, all_of_them))
        return
    for one in all_of_them:
        do(one)
