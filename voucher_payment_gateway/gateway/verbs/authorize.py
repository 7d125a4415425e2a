"""Authorize: reserve on a voucher what an order still needs."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.views.decorators.debug import sensitive_variables

from voucher_payment_gateway import money
from voucher_payment_gateway.alerts import alerting
from voucher_payment_gateway.currencies import amount_in, smallest_unit, with_code
from voucher_payment_gateway.exceptions import AmountError, RefusedError, VoucherGatewayError
from voucher_payment_gateway.gateway.holds.codes import clean_code, sealed_fields
from voucher_payment_gateway.gateway.holds.competing import refuse_guess_in_flight
from voucher_payment_gateway.gateway.holds.promises import (
    Promises,
    beside_confirmed,
    confirmed_fields,
    hold_beside_confirmed,
    promised,
    with_same_pin,
)
from voucher_payment_gateway.gateway.holds.refusals import refusal_of_held
from voucher_payment_gateway.gateway.holds.reserve import Hold, reserve_available
from voucher_payment_gateway.gateway.operations.reservation import give_back, record_authorization
from voucher_payment_gateway.gateway.records.conflicts import (
    ConflictError,
    atomic_or_conflict,
    retry_on_conflict,
    unavailable_if_locked,
)
from voucher_payment_gateway.gateway.records.idempotency import Call, note_key, payment_of
from voucher_payment_gateway.gateway.records.instance import refuse_other_instance
from voucher_payment_gateway.gateway.records.order_view import (
    OrderView,
    read_order,
    refuse_if_cancelling,
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
from voucher_payment_gateway.gateway.records.sqlite_lock import tell_of_transaction
from voucher_payment_gateway.gateway.verbs.after_commit import repeat_if_total_changes
from voucher_payment_gateway.gateway.verbs.own_payment import end_former, new_payment, own_payment, show_on
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.opaque import Opaque, opaque_code
from voucher_payment_gateway.orders import OrderFacts, payable_facts
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.rules.states import LIVE_STATUSES
from voucher_payment_gateway.sealing import Secret, fingerprints
from voucher_payment_gateway.telemetry import verb

__all__ = ["authorize"]


@opaque_code
@verb
@sensitive_variables("code", "pin", "secret")
def authorize(
    order: Any,
    code: str | Opaque,
    *,
    pin: str | Opaque = "",
    amount: Decimal | str | None = None,
    key: str = "",
    actor: str = "",
    reason: str = "",
) -> VoucherPayment:
    """Reserve the voucher for what is due (or for ``amount``), or for what it holds if that is less.

    The payment says what it holds in ``amount_authorized`` and until when in ``reserved_until`` (30 minutes);
    what stays due is for another payment method. No money moves, so it may be called anywhere, and calling it
    again with the same code is the same payment. One call to the Voucher Cloud, up to four where the voucher
    holds less than is due. Inside a transaction it is called again after the commit if the order has another total by
    then. A call with a ``key`` is made once per order: repeated, it reserves nothing and returns its payment as it is
    now, so a late duplicate does not put a removed voucher back.

    Gift vouchers that the order sells are not paid by voucher, unless ``VOUCHERS_PAY_FOR_VOUCHERS``.

    Raises AmountError (malformed, more than is due, nothing due, or nothing but sold gift vouchers, which is
    ``only_vouchers_due``; or a key used with another amount), WrongStateError (a
    key used with another code), OperationInProgressError, RefusedError (VoucherUnusableError for any code that cannot
    be redeemed), UnavailableError, CredentialsError. Nothing is held after an error that is shown to the customer, or
    it lapses by itself.
    """
    facts = with_sold(payable_facts(order), order)
    refuse_reused_number(facts.number, facts.created_at)
    secret = clean_code(code, pin)
    asked = None if amount is None else amount_in(facts.currency, amount)
    call, by = Call("authorize", facts.number, key, asked), {"actor": actor, "reason": reason}
    reserved: list[Hold] = []
    with (
        unavailable_if_locked(lambda: give_back(facts.number, reserved[-1:])),
        alerting(facts.number, facts.account or ""),
    ):
        refuse_other_instance()
        payment = retry_on_conflict(lambda: _authorize_once(call, facts, secret, reserved, by))
    if reserved or not key:  # a repeated call puts no removed voucher back
        repeat_if_total_changes(facts, lambda now: authorize(now, code, pin=pin, amount=amount, **by))
    show_on(order, payment)
    return payment


def _authorize_once(
    call: Call, facts: OrderFacts, secret: Secret, reserved: list[Hold], by: dict[str, str]
) -> VoucherPayment:
    """One attempt, unless this call was made before. Where another worker with the key was first while this one
    reserved, its reservation was replaced: the payment is reserved again, unless it has ended meanwhile."""
    known = call.find()
    if known:
        payment = payment_of(known, secret.code)
        if not reserved or payment.status not in LIVE_STATUSES:
            return payment
    return _authorize(facts, secret, call.amount, reserved, by | {"idempotency_key": known or call.new_row()})


def _authorize(
    facts: OrderFacts, secret: Secret, asked: Decimal | None, reserved: list[Hold], by: dict[str, Any]
) -> VoucherPayment:
    """One attempt. ``reserved`` lists this call's reservations: after a conflict the stored one may have been replaced
    by them, so it is reserved again. ``by``: the fields of the call that its operation stores."""
    codes = fingerprints(secret.code)
    view = read_order(facts.number, codes=codes)
    view.refuse_other_currency(facts.currency)
    payment, account = own_payment(view, codes, facts)
    competing = _competing(view, facts, secret, codes, account, payment)
    wanted = _wanted(view, facts, payment, asked)
    if payment and payment.amount_authorized == wanted and is_usable_now(payment) and not reserved:
        return _as_it_is_held(payment, asked, by)
    confirmed = with_same_pin(promised(competing), secret)
    left = beside_confirmed(wanted, confirmed, payment)
    hold = _hold(secret, left, facts, account, payment)
    reserved.append(hold)
    first, duplicate = view.held_with(hold.voucher_id, account), None
    if first and first != payment:  # another spelling of a code that is on the order already
        payment, duplicate, confirmed = first, payment, []  # nothing is left to confirmed orders yet
        wanted = left = _wanted(view, facts, payment, asked)
        hold = _hold(secret, wanted, facts, account, payment, replaced=True)
        reserved.append(hold)
    sealed = (
        {} if payment is None else sealed_fields(secret, payment.confirmed_at)
    )  # a new one is made with them
    payment = payment or new_payment(facts, secret, account)
    promises = Promises([hold.voucher_id])
    hold = hold_beside_confirmed(hold, promises, payment, secret, known=confirmed)
    reserved.append(hold)
    hold = replace(hold, is_all=hold.is_all or left < wanted)
    remainders = view.uncaptured_remainders(account, codes=codes, voucher_id=hold.voucher_id)
    refuse_if_open(remainders)
    with atomic_or_conflict():
        _supersede(remainders, duplicate)
        end_former(view, account)
        fields = sealed | (
            confirmed_fields(payment, hold.voucher_id, promises) if payment.confirmed_at else {}
        )
        others = promises.of_others(hold.voucher_id, payment)
        record_authorization(payment, hold, view.next_number, limit=asked, others=others, by=by, **fields)
    return payment


def _competing(
    view: OrderView,
    facts: OrderFacts,
    secret: Secret,
    codes: Collection[str],
    account: str,
    payment: VoucherPayment | None,
) -> list[VoucherPayment]:
    """Return the payments of other orders in this account. Raises why this voucher may not be reserved for the order;
    nothing was sent with its code."""
    view.refuse_if_rest_is_sold(facts, payment)
    competing = view.competing_in(account)
    refuse_guess_in_flight(competing, secret, facts.currency, account)
    view.refuse_known_currency(codes, facts.currency, account)
    if payment:
        refuse_if_cancelling(payment)
    else:
        view.refuse_too_many_vouchers()
    refuse_if_open(view.uncaptured_remainders(account, codes=codes))
    return competing


def _supersede(remainders: list[VoucherPayment], duplicate: VoucherPayment | None) -> None:
    """End the payments in whose place the new hold stands."""
    for earlier in remainders:
        change_payment(earlier, **superseded_fields(earlier))
    if duplicate:
        change_payment(duplicate, **hold_ended_fields(duplicate, otherwise="lapsed") | SUPERSEDED)


def _as_it_is_held(payment: VoucherPayment, asked: Decimal | None, by: dict[str, Any]) -> VoucherPayment:
    """Return a payment that holds the amount already; its limit is that of the last call."""
    with atomic_or_conflict():
        if asked != payment.amount_limit:
            change_payment(payment, amount_limit=asked)
        note_key(by["idempotency_key"])
    return payment


def _hold(
    secret: Secret,
    wanted: Decimal,
    facts: OrderFacts,
    account: str,
    payment: VoucherPayment | None,
    *,
    replaced: bool = False,
) -> Hold:
    """Reserve. Where that fails after the reservation of ``payment`` was replaced, record that it has ended."""
    lost = [True] if replaced else []
    known = payment.voucher_id if payment else ""
    tell_of_transaction()
    try:
        return reserve_available(
            *(secret, wanted, facts.currency),
            account=account,
            voucher_id=known,
            on_previous_lost=lambda: lost.append(True),
        )
    except VoucherGatewayError as error:
        if lost and payment and payment.status == "authorized":
            with suppress(ConflictError):  # another writer has recorded a newer reservation
                change_payment(payment, **hold_lost_fields())
        if isinstance(error, RefusedError) and payment and known and not is_usable_now(payment):
            explained = refusal_of_held(error, known, account)
            if explained.code == "spent_elsewhere":  # not the other: the PIN may be wrong
                raise explained from None
        raise


def _wanted(
    view: OrderView, facts: OrderFacts, payment: VoucherPayment | None, asked: Decimal | None
) -> Decimal:
    """Return the amount to reserve: all that is due without this payment, or the amount asked for."""
    if payment:
        refuse_if_open([payment])
    due = view.due(facts.payable, without=[payment] if payment else [])
    if due <= ZERO:
        raise AmountError(
            f"order {facts.number}: nothing is due any more. Nothing was sent.", code="nothing_due"
        )
    if asked is not None and asked > due:
        raise AmountError(
            f"amount: only {with_code(due, facts.currency)} are due on order {facts.number}"
            f"{' that gift vouchers may pay' if facts.sold else ''}. Nothing was sent.",
            code="more_than_due",
        )
    most = money.largest(smallest_unit(facts.currency))
    return amount_in(facts.currency, asked if asked is not None else min(due, most))
