"""One order as our records have it: its payments, what they cover, and the guards of a decision about it."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import (
    AmountError,
    CurrencyMismatchError,
    OperationInProgressError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.order_rows import UNDECIDED, has_payments, of_order, with_code
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import BOOKS, IS_OPEN
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import account_by_number
from voucher_payment_gateway.orders import OrderFacts, known_number
from voucher_payment_gateway.rules import cover as rules
from voucher_payment_gateway.rules.states import HELD_BEFORE, LIVE_STATUSES

__all__ = [
    "OrderView",
    "has_payments",
    "is_busy",
    "is_competing",
    "number_and_pk",
    "read_order",
    "refuse_if_cancelling",
    "refuse_if_open",
    "refuse_if_sent",
    "without_unsent",
]

UNSENT = Q(state="due", attempts=0, refused_at=None)
"""Operations that were certainly never sent."""


@dataclass(frozen=True)
class OrderView:
    """The payments of one order as they were read, oldest first, and the numbers of its next operation and capture."""

    order_number: str
    payments: list[VoucherPayment]
    competing: list[VoucherPayment]
    """Payments of other orders that hold a voucher with the given code, of any account, or count on it."""
    next_number: int
    next_capture: int

    def matching(self, pk: int | None) -> list[VoucherPayment]:
        """Return all payments, or the one with this primary key."""
        return [payment for payment in self.payments if pk in (None, payment.pk)]

    def live_payment(self, codes: Collection[str]) -> VoucherPayment | None:
        """Return the payment made with the code of these fingerprints that is selected, held, or lapsed."""
        return next(
            (p for p in self.payments if p.code_fingerprint in codes and p.status in LIVE_STATUSES), None
        )

    def held_with(self, voucher_id: str, account: str) -> VoucherPayment | None:
        """Return the payment that holds this voucher, or held it and may hold it again."""
        held_before = (p for p in self.payments if p.account == account and p.status in HELD_BEFORE)
        return next((p for p in held_before if p.voucher_id == voucher_id), None)

    def account_for(self, facts: OrderFacts) -> str:
        """Return the account of another voucher for the order.

        Raises WrongStateError where vouchers of another account pay it, or may pay it again: an order belongs to one
        merchant, who gets the money and must give it back.
        """
        paying = {payment.account for payment in self.payments if _is_paying(payment)}
        if facts.account is None:
            return min(paying) if paying else account_by_number(self.order_number)
        if others := paying - {facts.account}:
            raise WrongStateError(
                f"order {self.order_number} is of {_named(facts.account)}, but gift vouchers of {_named(min(others))} "
                "pay it: cancel them first. Nothing was sent.",
                code="order_account_changed",
            )
        return facts.account

    def competing_in(self, account: str) -> list[VoucherPayment]:
        """Return the payments of other orders that hold the voucher of this account with the given code, or count on
        it. The same code at another merchant is another voucher."""
        return [payment for payment in self.competing if payment.account == account]

    def due(self, total: Decimal, *, without: list[VoucherPayment] | None = None) -> Decimal:
        """Return the part of ``total`` that is not covered; payments in ``without`` count as if they held nothing."""
        return rules.due(total, self.covered(without=without or []))

    def refuse_if_rest_is_sold(self, facts: OrderFacts, payment: VoucherPayment | None) -> None:
        """Raise AmountError (``only_vouchers_due``) where all that is due without ``payment`` are gift vouchers that
        the order sells."""
        without = [payment] if payment else []
        due = self.due(facts.total, without=without)
        if due > ZERO and self.due(facts.payable, without=without) == ZERO:
            raise AmountError(
                f"order {facts.number}: what is due are gift vouchers that it sells, which gift vouchers cannot pay. "
                "Nothing was sent.",
                code="only_vouchers_due",
            )

    def due_of(self, facts: OrderFacts) -> Decimal:
        """Return the part of the total for another payment method: gift vouchers that the order sells are its, also
        where vouchers hold or have agreed more than the rest costs by now."""
        after_return = gateway_settings().TOTAL_AFTER_RETURN
        return rules.due(facts.total, rules.counted(self.payments, facts.payable, after_return))

    def covered(self, *, without: Collection[VoucherPayment] = ()) -> Decimal:
        """Return what payments have paid, hold, have agreed, or are about to be charged; those in ``without`` count as
        if they held and had agreed nothing."""
        return rules.covered(self.payments, gateway_settings().TOTAL_AFTER_RETURN, without=without)

    def uncaptured_remainders(
        self, account: str, *, codes: Collection[str], voucher_id: str = ""
    ) -> list[VoucherPayment]:
        """Return the payments with one of these code fingerprints, or this voucher, that were captured in part and
        of which the rest could still be captured, or that failed after the order had been confirmed with them."""
        return [
            payment
            for payment in self.payments
            if payment.account == account
            and (payment.code_fingerprint in codes or (voucher_id and payment.voucher_id == voucher_id))
            and (
                (payment.status in ("captured", "refunded") and payment.sealed_code)
                or (payment.status == "failed" and rules.is_unpaid(payment))
            )
        ]

    def refuse_other_currency(self, currency: str) -> None:
        """Raise WrongStateError where the order's currency was changed although vouchers pay it, or may pay it
        again, in another one."""
        others = {payment.currency for payment in self.payments if _is_paying(payment)} - {currency}
        if others:
            raise WrongStateError(
                f"order {self.order_number} is in {currency}, but its gift vouchers pay in {min(others)}: cancel "
                "them first. Nothing was sent.",
                code="order_currency_changed",
            )

    def refuse_known_currency(self, codes: Collection[str], currency: str, account: str) -> None:
        """Raise CurrencyMismatchError where this order held the voucher with the code of these fingerprints before, in
        another currency.

        Payments of other orders are not compared: a visitor who knows the code may not know its PIN.
        """
        for payment in self.payments:
            if payment.account != account:
                continue
            if payment.code_fingerprint in codes and payment.voucher_id and payment.currency != currency:
                raise CurrencyMismatchError(
                    f"order {self.order_number}: the gift voucher …{payment.code_hint} is held in "
                    f"{payment.currency}. Nothing was sent."
                )

    def refuse_too_many_vouchers(self) -> None:
        """Raise WrongStateError where the order has ``VOUCHERS_PER_ORDER`` vouchers already: each costs calls whenever
        the order is confirmed, charged or refunded."""
        count = sum(map(_is_paying, self.payments))
        if count >= gateway_settings().VOUCHERS_PER_ORDER:
            raise WrongStateError(
                f"order {self.order_number}: it has {count} gift vouchers, as many as it may have. Nothing was sent.",
                code="too_many_vouchers",
            )


def read_order(order_number: str, *, codes: Collection[str] = ()) -> OrderView:
    """Read the payments of an order in one statement, and with the fingerprints of a code those of other orders that
    hold it or count on it."""
    found = with_code(order_number, codes) if codes else of_order(order_number)
    payments = [payment for payment in found if payment.order_number == order_number]
    others = [payment for payment in found if payment.order_number != order_number]
    competing = [payment for payment in others if is_competing(payment)]
    last_number = max((payment.last_number for payment in payments), default=0)
    charge_count = sum(payment.charge_count for payment in payments)
    return OrderView(order_number, payments, competing, last_number + 1, charge_count + 1)


def is_competing(payment: VoucherPayment) -> bool:
    """Return whether the payment holds its voucher, is being charged to it, or was confirmed and counts on it."""
    is_counting_on_it = payment.confirmed_at is not None and rules.outstanding(payment) > ZERO
    return payment.status == "authorized" or payment.open_charge > ZERO or is_counting_on_it


def _named(account: str) -> str:
    return f"the account {account!r}" if account else "the default account"


def _is_paying(payment: VoucherPayment) -> bool:
    may_be_held_again = payment.status in ("lapsed", "refunded") and bool(payment.sealed_code)
    return may_be_held_again or payment.status in ("selected", "authorized", "captured")


def refuse_if_cancelling(payment: VoucherPayment) -> None:
    """Raise OperationInProgressError where the payment is to be cancelled and that is not done yet."""
    if payment.cancel_requested_at is not None:
        raise OperationInProgressError(
            f"order {payment.order_number}: the gift voucher …{payment.code_hint} is being cancelled. Nothing was sent."
        )


def refuse_if_open(payments: list[VoucherPayment], *, unless_unsent: bool = False) -> None:
    """Raise OperationInProgressError where an operation of one of the payments is not decided yet. With
    ``unless_unsent`` operations that are due and were never sent do not count: another one may follow them."""
    for payment in payments:
        if payment.has_open_operation and not (unless_unsent and _is_unsent(payment)):
            raise OperationInProgressError(
                f"order {payment.order_number}: an operation on the gift voucher …{payment.code_hint} is not "
                "finished yet. Nothing was sent."
            )


def without_unsent(view: OrderView) -> list[int]:
    """Show the order as if its charges that were never sent were not written down, since they are planned again before
    they are sent; return their primary keys."""
    unsent: list[int] = []
    for payment in view.payments:
        if payment.has_open_operation and _is_unsent(payment):
            unsent += VoucherOperation.current.filter(UNDECIDED, payment=payment).values_list("pk", flat=True)
            payment.has_open_operation, payment.open_charge = False, ZERO
    return unsent


def refuse_if_sent(operations: list[int]) -> None:
    """Raise ConflictError where one of the operations was sent meanwhile. Until the end of the transaction none is."""
    rows = VoucherOperation.current.filter(UNSENT, pk__in=operations)
    if operations and rows.update(attempts=0) != len(operations):
        raise ConflictError


def _is_unsent(payment: VoucherPayment) -> bool:
    """Return whether every operation of the payment that is not decided is due and was certainly never sent."""
    undecided = VoucherOperation.current.filter(UNDECIDED, payment=payment)
    return not undecided.exclude(UNSENT).exists()


def is_busy(voucher_id: str) -> bool:
    """Return whether an operation that books is open on the voucher, of any order.

    Of any account too: the index that keeps two workers apart knows vouchers by their ids alone, so where merchants
    have chosen the same id, their operations follow one another.
    """
    operations = VoucherOperation.current.filter(voucher_id=voucher_id, waits=False)
    return bool(operations.filter(BOOKS, IS_OPEN).exists())


def number_and_pk(order: Any) -> tuple[str, int | None]:
    """Return the order number and, where a single payment was given, its primary key. The number is "" for an order
    that can have no payments."""
    if isinstance(order, VoucherPayment):
        return order.order_number, order.pk
    return known_number(order), None
