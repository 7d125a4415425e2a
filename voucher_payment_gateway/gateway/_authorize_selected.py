"""Authorize what was selected: every voucher of an order at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.exceptions import RefusedError, ReservationClosedError, VoucherGatewayError
from voucher_payment_gateway.gateway._authorize import (
    is_usable_now,
    refuse_other_currency,
    refuse_taxable,
    show_on,
)
from voucher_payment_gateway.gateway._holds import Hold, hold_what_is_there, release
from voucher_payment_gateway.gateway._orders import OrderView, decide, look, refuse_if_open, unless_outdated
from voucher_payment_gateway.gateway._reservations import change_payment, fail_payment, record_hold
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import LARGEST, ZERO
from voucher_payment_gateway.orders import OrderFacts, order_facts
from voucher_payment_gateway.sealing import Secret, unseal

__all__ = ["authorize_selected"]

AT_ONCE = 8
"""So many reservations of one order are asked for at the same time."""


def authorize_selected(order: Any) -> list[VoucherPayment]:
    """Reserve every selected voucher of the order, and anew those whose reservation has ended.

    They are asked for at the same time. The earlier voucher is used first; one that is not needed any more stays
    selected, unreserved. Returns the payments that hold something. Raises the first refusal after all were
    tried: that payment is ``failed``, the others hold what they hold.
    """
    facts, refusals = order_facts(order), []  # type: OrderFacts, list[VoucherGatewayError]
    payments = decide(lambda: _authorize_selected(facts, refusals))
    for payment in payments:
        show_on(order, payment)
    if refusals:
        raise refusals[0]
    return payments


@dataclass(frozen=True)
class Tried:
    """What one voucher answered: a hold or an error."""

    payment: VoucherPayment
    secret: Secret | None
    answer: Hold | VoucherGatewayError


def _authorize_selected(facts: OrderFacts, refusals: list[VoucherGatewayError]) -> list[VoucherPayment]:
    view = look(facts.number)
    refuse_other_currency(view, facts)
    wanting = [p for p in view.payments if p.status == "selected" or _has_ended(p)]
    refuse_if_open(wanting)
    due = min(view.due(facts.total, without=wanting), LARGEST)
    if wanting and due > ZERO:
        number = view.next_number
        for tried in _try_all(wanting, due, facts.currency):
            if isinstance(tried.answer, VoucherGatewayError):
                _refuse(tried, refusals)
            elif _take(view, tried, tried.answer, facts, number):
                number += 1
    return [payment for payment in view.payments if payment.status == "authorized"]


def _try_all(payments: list[VoucherPayment], due: Decimal, currency: str) -> list[Tried]:
    """Ask for all at once: each for what is due, one that held less before for no more than that."""
    secrets = [unseal(payment.sealed_code) for payment in payments]
    wanted = [min(due, payment.amount_authorized or due) for payment in payments]
    with ThreadPoolExecutor(min(len(payments), AT_ONCE)) as pool:
        answers = list(pool.map(lambda secret, amount: _try(secret, amount, currency), secrets, wanted))
    return [Tried(*one) for one in zip(payments, secrets, answers, strict=True)]


def _try(secret: Secret | None, wanted: Decimal, currency: str) -> Hold | VoucherGatewayError:
    if secret is None:
        return ReservationClosedError(
            "The code is not stored; the customer must enter it again. No money moved."
        )
    try:
        hold = hold_what_is_there(secret, wanted, currency)
        refuse_taxable(hold)
    except VoucherGatewayError as error:
        return error
    return hold


def _refuse(tried: Tried, refusals: list[VoucherGatewayError]) -> None:
    """Note an error; a payment that the Voucher Cloud refused has failed, any other may be tried again."""
    assert isinstance(tried.answer, VoucherGatewayError)  # noqa: S101
    if isinstance(tried.answer, RefusedError):
        fail_payment(tried.payment, tried.payment.amount_authorized)
    refusals.append(tried.answer)


def _take(view: OrderView, tried: Tried, hold: Hold, facts: OrderFacts, number: int) -> bool:
    """Record what of ``hold`` is still due, reserved anew where that is less; say whether it was recorded."""
    twin = view.authorized_with(hold.voucher_id)
    if twin and twin != tried.payment:
        _drop_twin(twin, tried, number)
        return True
    due = view.due(facts.total, without=[tried.payment])
    if due <= ZERO:
        release(hold.reservation_id)
        return False
    if hold.amount > due and tried.secret:
        hold = hold_what_is_there(tried.secret, due, facts.currency)
    record_hold(tried.payment, hold, number)
    return True


def _drop_twin(twin: VoucherPayment, tried: Tried, number: int) -> None:
    """Two spellings of one code: the second reservation replaced the first, so the first is reserved anew."""
    with unless_outdated():
        change_payment(tried.payment, status="cancelled", amount_authorized=ZERO, sealed_code="")
    if tried.secret:
        record_hold(twin, hold_what_is_there(tried.secret, twin.amount_authorized, twin.currency), number)


def _has_ended(payment: VoucherPayment) -> bool:
    return payment.status == "authorized" and not is_usable_now(payment) and bool(payment.sealed_code)
