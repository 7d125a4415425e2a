"""Capture: charge what the reservations of an order hold."""

import secrets
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import takewhile
from typing import Any

from django.utils import timezone

from voucher_payment_gateway import money
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    AmountError,
    OutcomeUnknownError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.holds.record import fail_payment, renew
from voucher_payment_gateway.gateway.operations.handler import of
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.order_view import (
    OrderView,
    database,
    look,
    refuse_if_open,
    target,
)
from voucher_payment_gateway.gateway.records.payments import change_payment
from voucher_payment_gateway.gateway.verbs.authorize import is_usable_now, refuse_other_currency
from voucher_payment_gateway.gateway.verbs.batch import Done, carry_out
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import facts_by_number, order_facts
from voucher_payment_gateway.rules.evidence import charge_reference, is_answer_to_charge
from voucher_payment_gateway.rules.states import HELD_BEFORE
from voucher_payment_gateway.rules.timing import may_be_charged
from voucher_payment_gateway.rules.verdicts import after_refused_charge
from voucher_payment_gateway.signals import payment_captured

__all__ = ["CHARGE", "capture"]

TOKEN_BYTES = 5


def capture(
    order: Any, amount: Decimal | str | None = None, *, actor: str = "", reason: str = ""
) -> list[VoucherPayment]:
    """Charge what the order's reservations hold, or ``amount`` of it, earlier vouchers first.

    ``order`` may also be a single payment. A reservation that lapsed or was lost is made again once with the
    sealed code. A part is captured by reserving the smaller amount; what is left is not held any more, but while the
    code is kept it can be captured by a later call that names its amount. Never more is charged than the customer
    agreed to, nor than the order needs. Outside of a transaction the money has moved when this returns; inside of one
    it moves after the commit, and the payments returned are ``pending``. An order without vouchers, or captured
    already, is left alone.

    Raises AmountError (malformed, more than is held, or more than is due) and WrongStateError (nothing is held:
    cancelled, failed, not authorized yet; or the order has another currency by now); nothing was sent. After
    RefusedError the payment has ``failed`` and nothing moved; after UnavailableError, CredentialsError and
    ContractError nothing moved yet and ``settle`` sends it; after OutcomeUnknownError ``settle`` finds out. With
    several vouchers all are tried, then the first error is raised.
    """
    number, pk = target(order)
    asked = None if amount is None else money.amount(amount)
    facts = facts_by_number(number) if isinstance(order, VoucherPayment) else order_facts(order)

    def plan(view: OrderView, done: Done, left: Decimal | None) -> list[VoucherOperation]:
        payments = [payment for payment in view.part(pk) if payment.pk not in done.payments]
        refuse_if_open(payments)
        shares = _shares(payments, left, lambda held: view.due(facts.total, without=held) if facts else None)
        if shares and facts:
            refuse_other_currency(view, facts)
        return [
            _draft(payment, share, view.next_capture + position, actor=actor, reason=reason)
            for position, (payment, share) in enumerate(shares)
        ]

    return carry_out(CHARGE, number, plan, pk=pk, asked=asked)


Shares = list[tuple[VoucherPayment, Decimal]]


def _shares(
    payments: list[VoucherPayment],
    asked: Decimal | None,
    due: Callable[[list[VoucherPayment]], Decimal | None],
) -> Shares:
    """Return what to charge of each payment; nothing where all is captured or the order has no vouchers.

    ``due`` says what the order still needs, None where that is not known.
    """
    wanted = _chargeable(payments, again=asked is not None)
    most = sum((amount for _, amount in wanted), ZERO)
    needed = due([payment for payment, _ in wanted])
    if asked is None:
        _refuse_if_nothing_is_held(payments, wanted)
        return _fill(wanted, most if needed is None else min(most, needed))
    if payments and asked > most:
        _refuse_if_nothing_is_held(payments, wanted, even_if_captured=True)
        raise _too_much(payments[0], f"less than {asked} is held for", code="more_than_held")
    if needed is not None and payments and asked > needed:
        raise _too_much(payments[0], f"only {needed} are due on", code="more_than_due")
    return _fill(wanted, asked)


def _chargeable(payments: list[VoucherPayment], *, again: bool) -> Shares:
    """Return what may be charged at most: of what is held first, then of what was held once; with ``again`` also
    what earlier captures left."""
    statuses = ("authorized", "lapsed", "captured", "refunded") if again else HELD_BEFORE
    amounts = [
        (payment, _most_of(payment, again=again))
        for status in statuses
        for payment in payments
        if payment.status == status and payment.cancel_requested_at is None
    ]
    return [(payment, amount) for payment, amount in amounts if amount > ZERO]


def _most_of(payment: VoucherPayment, *, again: bool) -> Decimal:
    """Return what may be charged of one payment: what it holds; with the code, all that was agreed to may be held."""
    held: Decimal = payment.amount_authorized
    if not payment.sealed_code or (held and not again):
        return held
    return payment.amount_chargeable


def _too_much(payment: VoucherPayment, what: str, *, code: str) -> AmountError:
    return AmountError(f"amount: {what} order {payment.order_number}. Nothing was sent.", code=code)


def _refuse_if_nothing_is_held(
    payments: list[VoucherPayment], wanted: Shares, *, even_if_captured: bool = False
) -> None:
    captured = any(payment.status in ("captured", "refunded") for payment in payments)
    if payments and not wanted and (even_if_captured or not captured):
        statuses = ", ".join(sorted({payment.status for payment in payments}))
        raise WrongStateError(
            f"order {payments[0].order_number}: nothing is held by its gift vouchers ({statuses}), "
            "so nothing can be captured. Nothing was sent."
        )


def _fill(wanted: Shares, asked: Decimal) -> Shares:
    shares, left = [], asked
    for payment, amount in wanted:
        share = min(left, amount)
        if share > ZERO:
            shares.append((payment, share))
            left -= share
    return shares


def _draft(
    payment: VoucherPayment, amount: Decimal, capture_number: int, *, actor: str, reason: str
) -> VoucherOperation:
    return VoucherOperation(
        payment=payment,
        order_number=payment.order_number,
        voucher_id=payment.voucher_id,
        kind="charge",
        amount=amount,
        currency=payment.currency,
        target_id=payment.reservation_id,
        reference=_reference(payment.order_number, capture_number),
        actor=actor,
        reason=reason,
    )


def _reference(order_number: str, capture_number: int) -> str:
    """Return the order number sent with a charge: unique per capture, so that a lost answer can be found again by
    it."""
    return charge_reference(order_number, capture_number, secrets.token_hex(TOKEN_BYTES))


class Charging:
    """How a charge is prepared, made, and booked on its payment."""

    name = "charge"

    def needs_a_claim(self, operation: VoucherOperation) -> bool:
        """Whether the reservation has ended or holds another amount than is to be charged."""
        payment = of(operation)
        return payment.status != "authorized" or not may_be_charged(
            payment.reserved_until, timezone.now(), held=payment.amount_authorized, amount=operation.amount
        )

    def prepare(self, operation: VoucherOperation) -> None:
        """Reserve anew where that is needed; never for what is not written down, whose hold was good a moment ago."""
        payment = of(operation)
        if operation.pk is not None and self.needs_a_claim(operation):
            renew(payment, operation.amount, look(operation.order_number).next_number)
        operation.target_id = payment.reservation_id
        operation.target_dead_at = payment.reservation_dead_at

    def call(self, operation: VoucherOperation) -> str:
        charge = voucher_cloud().charge(operation.target_id, operation.reference)
        if not is_answer_to_charge(
            amount=operation.amount,
            charged=charge.amount,
            voucher_id=operation.voucher_id,
            told_voucher_id=charge.voucher_id,
            reference=operation.reference,
            told_reference=charge.order_number,
        ):
            raise OutcomeUnknownError(code="answer_not_ours")
        return charge.id

    def booked(self, operation: VoucherOperation) -> Mapping[str, Any]:
        payment = of(operation)
        captured = payment.amount_captured + operation.amount
        needed_no_more = {} if captured < payment.amount_agreed else {"sealed_code": ""}
        return needed_no_more | {
            "status": "captured",
            "amount_captured": captured,
            "amount_authorized": ZERO,
            "reserved_until": None,
        }

    def tell(self, operation: VoucherOperation) -> None:
        announce(payment_captured, of(operation), operation.amount)

    def is_unwanted(self, operation: VoucherOperation) -> bool:
        """Whether somebody asked to cancel the payment, perhaps a moment ago."""
        payments = VoucherPayment.objects.using(database())
        return payments.filter(pk=of(operation).pk, cancel_requested_at__isnull=False).exists()

    def follow_up(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Charge once more on a new reservation: this one was lost to another till, or lapsed."""
        payment = of(operation)
        if self._after_refusal(operation) != "charge_again":
            return None
        view = look(operation.order_number)
        draft = _draft(
            payment, operation.amount, view.next_capture, actor=operation.actor, reason=operation.reason
        )
        draft.number = view.next_number
        change_payment(payment, reserved_until=None)  # the refusal proved that the reservation is gone
        return draft

    def refused(self, operation: VoucherOperation) -> None:
        """End the payment, unless its hold is as good as before or it is being cancelled anyway."""
        if self._after_refusal(operation) == "fail":
            fail_payment(of(operation), operation.amount)

    def _after_refusal(self, operation: VoucherOperation) -> str:
        payment = of(operation)
        return after_refused_charge(
            sends=operation.attempts,
            refused=_refused_since_the_last_success(payment),
            has_code=bool(payment.sealed_code),
            cancelling=self.is_unwanted(operation),
            hold_is_usable=is_usable_now(payment),
        )


def _refused_since_the_last_success(payment: VoucherPayment) -> int:
    charges = VoucherOperation.objects.using(database()).filter(
        payment=payment, kind="charge", attempts__gt=0
    )
    states = charges.order_by("-pk").values_list("state", flat=True)
    return sum(1 for _ in takewhile(lambda state: state == "refused", states))


CHARGE = Charging()
