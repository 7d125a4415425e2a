"""Capture: charge what the reservations of an order hold."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction

from voucher_payment_gateway import money
from voucher_payment_gateway.currencies import amount_in, plain, with_code
from voucher_payment_gateway.exceptions import AmountError, PaymentStateError, WrongStateError
from voucher_payment_gateway.gateway.holds.competing import let_go
from voucher_payment_gateway.gateway.operations.charge import CHARGE, draft_charge
from voucher_payment_gateway.gateway.operations.side_by_side import Outbox
from voucher_payment_gateway.gateway.records.conflicts import database, in_transaction, retry_on_conflict
from voucher_payment_gateway.gateway.records.idempotency import Call
from voucher_payment_gateway.gateway.records.order_view import (
    OrderView,
    has_payments,
    number_and_pk,
    read_order,
    refuse_if_open,
)
from voucher_payment_gateway.gateway.records.reused_number import refuse_reused_number
from voucher_payment_gateway.gateway.verbs.batch import Progress, run_batch
from voucher_payment_gateway.gateway.verbs.bound import bound, refuse_more
from voucher_payment_gateway.gateway.verbs.once import once
from voucher_payment_gateway.gateway.verbs.unpaid import refuse_if_unpaid
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import facts_by_number
from voucher_payment_gateway.orders import OrderFacts, order_facts
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.rules.cover import outlives_hold
from voucher_payment_gateway.rules.states import HELD_BEFORE
from voucher_payment_gateway.telemetry import verb

__all__ = ["CapturePlan", "capture"]


@verb
def capture(
    order: Any,
    amount: Decimal | str | None = None,
    *,
    at_most: Decimal | str | None = None,
    key: str = "",
    actor: str = "",
    reason: str = "",
) -> list[VoucherPayment]:
    """Charge what the order's reservations hold, or ``amount`` of it, earlier vouchers first.

    ``order`` may also be a single payment. A reservation that lapsed or was lost is made again once with the
    sealed code. A part is captured by reserving the smaller amount; the rest is not held any more, but while the code
    is stored a later call with its amount can capture it. Never charges more than the customer agreed to, nor more
    than the order needs. Outside a transaction the money has moved when this returns; inside one it moves after the
    commit, and the payments returned are ``pending``. Nothing is done for an order without vouchers, or captured
    already; where nothing is due any more, nothing is charged and a warning is logged.

    A call with a ``key`` is made once per order; repeated, it charges nothing new, goes on with what is still due, and
    answers as before. Without a key, calls without ``amount`` are safe to repeat; two calls with one are two charges.

    ``at_most`` bounds what is charged without an amount: where it would be more, AmountError (``more_than_allowed``) is
    raised, and nothing is charged.

    Raises AmountError (malformed, more than is held or due, or a key used with another amount) and WrongStateError
    (``not_paid``: a payment that was confirmed failed or lapsed for good, and its amount is due; or nothing is held:
    cancelled, failed, not authorized yet; or the order's currency was changed); nothing was sent. After RefusedError
    the payment has ``failed`` and nothing moved; after UnavailableError, CredentialsError and ContractError nothing
    moved yet and ``settle`` sends it; after OutcomeUnknownError ``settle`` resolves it. With several vouchers all are
    tried, then the first error is raised.
    """
    number, pk = number_and_pk(order)
    try:
        asked = None if amount is None else money.amount(amount)
        call, may_charge = Call("capture", number, key, asked), bound(at_most)
        facts = facts_by_number(number) if isinstance(order, VoucherPayment) else order_facts(order)
    except PaymentStateError:
        if has_payments(number):
            raise
        return []
    if facts:
        refuse_reused_number(number, facts.created_at)

    stored = None if isinstance(order, VoucherPayment) else order
    plan = CapturePlan(call, pk, facts, stored, {"actor": actor, "reason": reason}, at_most=may_charge)
    captured = once(call, partial(_charge, plan), pk=pk)
    _let_go_after_commit(plan)
    return captured


def _charge(
    plan: "CapturePlan", key: VoucherIdempotencyKey | None, outbox: Outbox | None
) -> list[VoucherPayment]:
    call = plan.call
    return run_batch(CHARGE, call.order_number, plan, pk=plan.pk, asked=call.amount, key=key, outbox=outbox)


def _let_go_after_commit(plan: "CapturePlan") -> None:
    """Let vouchers go that a whole order does not need."""
    if plan.unneeded and plan.call.amount is None and plan.pk is None and plan.facts:
        number, used, is_changed = plan.call.order_number, plan.facts, in_transaction()
        transaction.on_commit(
            lambda: _let_go_unneeded(number, used, is_changed=is_changed), using=database(), robust=True
        )


@dataclass
class CapturePlan:
    """Plans the charges of one call, by the order as it is read."""

    call: Call
    pk: int | None
    facts: OrderFacts | None
    order: Any
    """The shop's order, or None where it is looked up by its number."""
    by: dict[str, str]
    unneeded: list[VoucherPayment] = field(default_factory=list)
    """The payments that could have been charged, and of which the order needs nothing."""
    is_preview: bool = False
    """Whether nothing will be charged by this plan, so that nothing is logged about it."""
    at_most: Decimal | None = None
    """What the call may charge, without a bound None."""

    def __call__(self, view: OrderView, progress: Progress, left: Decimal | None) -> list[VoucherOperation]:
        asked = self.call.amount
        if self.facts and view.payments:
            self.facts = with_sold(self.facts, self.order)
        payments = self._payments(view, progress)
        if asked is None:
            refuse_if_unpaid(view, payments, self.facts)
        elif payments:
            amount_in(payments[0].currency, asked)
        only_counted = self.pk is None and _is_confirmed(view)
        wanted = _chargeable(payments, again=asked is not None, only_counted=only_counted)
        needed = _needed(view, self.facts, [payment for payment, _ in wanted])
        shares = _shares(payments, wanted, left, needed, is_preview=self.is_preview)
        self.unneeded[:] = {payment for payment, _ in wanted} - {payment for payment, _ in shares}
        if shares:
            refuse_more(shares[0][0], sum((share for _, share in shares), progress.amount), self.at_most)
        if shares and self.facts:
            view.refuse_other_currency(self.facts.currency)
        return [
            draft_charge(payment, share, view.next_capture + position, amount_asked=asked, **self.by)
            for position, (payment, share) in enumerate(shares)
        ]

    def _payments(self, view: OrderView, progress: Progress) -> list[VoucherPayment]:
        """Return the payments to charge. With a key all is written first, so the rest follows a part that an earlier
        call has left due."""
        may_follow = progress.may_follow or (self.call.amount is None and bool(self.call.key))
        unsettled = progress.unsettled_payments(may_follow=may_follow)
        payments = [payment for payment in view.matching(self.pk) if payment.pk not in unsettled]
        refuse_if_open(payments, unless_unsent=may_follow)
        return payments


def _let_go_unneeded(number: str, used: OrderFacts, *, is_changed: bool) -> None:
    """Count on no voucher more once the order is captured in full: what is left is the customer's for other orders.
    ``is_changed``: what it sells may be other vouchers than those of ``used``, since a transaction was committed."""
    committed = facts_by_number(number) or used
    facts = with_sold(committed) if is_changed else replace(committed, sold=used.sold)

    def let_go_all() -> None:
        view = read_order(number)
        needed = view.due(facts.payable, without=view.payments)
        if needed > ZERO or any(payment.has_open_operation for payment in view.payments):
            return
        for payment in view.payments:
            if payment.confirmed_at and payment.status in HELD_BEFORE and outlives_hold(payment):
                let_go(payment)

    retry_on_conflict(let_go_all)


Shares = list[tuple[VoucherPayment, Decimal]]


def _needed(view: OrderView, facts: OrderFacts | None, held: list[VoucherPayment]) -> Decimal | None:
    return view.due(facts.payable, without=held) if facts else None


def _is_confirmed(view: OrderView) -> bool:
    return any(payment.confirmed_at and payment.status != "cancelled" for payment in view.payments)


def _shares(
    payments: list[VoucherPayment],
    wanted: Shares,
    asked: Decimal | None,
    needed: Decimal | None,
    *,
    is_preview: bool,
) -> Shares:
    """Return the amount to charge per payment; empty where all is captured or the order has no vouchers.

    ``wanted`` is the maximum per payment; ``needed`` the amount that the order still needs, or None where its total is
    not known.
    """
    maximum = sum((amount for _, amount in wanted), ZERO)
    if asked is None:
        _refuse_if_nothing_is_held(payments, wanted)
        if not is_preview:
            _warn_if_all_went_back(payments, wanted, needed)
            _warn_if_nothing_is_due(wanted, needed)
        return _fill(wanted, maximum if needed is None else min(maximum, needed))
    if payments and asked > maximum:
        _refuse_if_nothing_is_held(payments, wanted, even_if_captured=True)
        raise _too_much(
            payments[0], f"less than {plain(asked, payments[0].currency)} is held for", code="more_than_held"
        )
    if needed is not None and payments and asked > needed:
        raise _too_much(
            payments[0], f"only {plain(needed, payments[0].currency)} are due on", code="more_than_due"
        )
    return _fill(wanted, asked)


def _warn_if_nothing_is_due(wanted: Shares, needed: Decimal | None) -> None:
    if wanted and needed == ZERO:
        number = wanted[0][0].order_number
        PaymentEvents.nothing_due.log(order_number=number)


def _chargeable(payments: list[VoucherPayment], *, again: bool, only_counted: bool) -> Shares:
    """Return the maximum per payment, payments with a hold first, then lapsed ones, then the rest that earlier captures
    left: of confirmed payments always, of others only with ``again``.

    With ``only_counted`` lapsed payments that are not confirmed are left out: their order was confirmed without them,
    and their amount may have been paid another way.
    """
    statuses = ("authorized", "lapsed", "captured", "refunded")
    amounts = [
        (payment, _maximum(payment, again=again))
        for status in statuses
        for payment in payments
        if payment.status == status
        and payment.cancel_requested_at is None
        and (again or status in HELD_BEFORE or outlives_hold(payment))
        and not (only_counted and status == "lapsed" and payment.confirmed_at is None)
    ]
    return [(payment, amount) for payment, amount in amounts if amount > ZERO]


def _maximum(payment: VoucherPayment, *, again: bool) -> Decimal:
    """Return the maximum of one payment: the amount held or, where its code is stored, the amount agreed; less the
    charges that are written down already. A confirmed one is charged in full, also where only a part is held just now:
    the part for which an earlier capture had reserved."""
    held: Decimal = payment.amount_authorized
    only_held = held and not again and not outlives_hold(payment)
    maximum = held if not payment.sealed_code or only_held else payment.amount_chargeable
    return maximum - payment.open_charge


def _too_much(payment: VoucherPayment, what: str, *, code: str) -> AmountError:
    return AmountError(f"amount: {what} order {payment.order_number}. Nothing was sent.", code=code)


def _refuse_if_nothing_is_held(
    payments: list[VoucherPayment], wanted: Shares, *, even_if_captured: bool = False
) -> None:
    captured = any(payment.status in ("captured", "refunded") for payment in payments)
    charging = any(payment.open_charge for payment in payments)
    if payments and not wanted and not charging and (even_if_captured or not captured):
        statuses = ", ".join(sorted({payment.status for payment in payments}))
        raise WrongStateError(
            f"order {payments[0].order_number}: nothing is held by its gift vouchers ({statuses}), "
            "so nothing can be captured. Nothing was sent."
        )


def _warn_if_all_went_back(payments: list[VoucherPayment], wanted: Shares, needed: Decimal | None) -> None:
    """An order that was returned and is shipped again is not paid by its vouchers any more."""
    paid = [payment for payment in payments if payment.status not in ("cancelled", "failed")]
    if paid and needed and not wanted and all(payment.status == "refunded" for payment in paid):
        currency = paid[0].currency
        PaymentEvents.all_went_back.log(
            with_code(needed, currency),
            order_number=paid[0].order_number,
            amount=needed,
            currency=currency,
        )


def _fill(wanted: Shares, asked: Decimal) -> Shares:
    shares, left = [], asked
    for payment, amount in wanted:
        share = min(left, amount)
        if share > ZERO:
            shares.append((payment, share))
            left -= share
    return shares
