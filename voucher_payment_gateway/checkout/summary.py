"""The gift vouchers of an order and the amounts they cover, as the templates show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import NoneType
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.records.reused_number import without_earlier_order
from voucher_payment_gateway.gateway.verbs.cover import cover_of
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_OPEN
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import known_number, order_created_at, order_facts
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.rules.cover import agreed, is_unpaid, outlives_hold
from voucher_payment_gateway.rules.states import HELD_BEFORE, LIVE_STATUSES
from voucher_payment_gateway.rules.timing import has_ended

__all__ = [
    "Balance",
    "Summary",
    "VoucherLine",
    "is_missing",
    "is_removable",
    "payments_of",
    "shown_summary",
    "summarise",
]

SHOWN_STATUSES = ("selected", "authorized", "captured", "refunded", "lapsed", "failed")
REMOVABLE = (*LIVE_STATUSES, "lapsed")


@dataclass(frozen=True)
class Balance:
    """What is ``left`` on a voucher after this order: exactly, or at least; None where that is not known. And until
    when it is valid; None where it has no end."""

    left: Decimal | None
    is_exact: bool
    valid_until: datetime | None


@dataclass(frozen=True)
class VoucherLine:
    """One gift voucher of the order; ``amount`` is what it was charged, holds, or has agreed to pay. ``balance`` is
    read for the checkout alone, with ``SHOW_BALANCE``."""

    payment: VoucherPayment
    amount: Decimal
    state: str
    removable: bool
    balance: Balance | None = None

    @property
    def comes_back(self) -> bool:
        """Whether its code is still stored, so that it is reserved again when the order is confirmed."""
        return bool(self.payment.sealed_code)


@dataclass(frozen=True)
class Summary:
    """The figures of ``gateway.cover`` for an order, and each of its gift vouchers."""

    number: str
    total: Decimal
    currency: str
    covered: Decimal
    held: Decimal
    due: Decimal
    lines: list[VoucherLine]
    sold: Decimal = ZERO
    """The part of the total that is gift vouchers which the order sells, and which gift vouchers cannot pay."""

    @property
    def payable(self) -> Decimal:
        """The part of ``due`` that gift vouchers may pay."""
        return max(self.total - self.sold - self.covered, ZERO)

    @property
    def overheld(self) -> Decimal:
        """The amount held beyond what gift vouchers are to pay, after the order became smaller."""
        return max(min(self.covered - self.total + self.sold, self.held), ZERO)

    @property
    def can_be_renewed(self) -> bool:
        """Whether a hold has ended, is too large or may be too small, and a stored code allows to reserve it again."""
        known = {line.state for line in self.lines if line.comes_back}
        return (
            bool(known & {"run_out", "lapsed"} or (self.overheld and "held" in known)) or self.may_cover_more
        )

    @property
    def may_cover_more(self) -> bool:
        """Whether something is due that a held voucher may cover, after the order became larger: neither its whole
        balance is held, nor an amount that was asked for."""
        return bool(self.payable) and any(
            line.state == "held" and line.comes_back and line.payment.may_hold_more for line in self.lines
        )

    @property
    def in_other_currency(self) -> bool:
        """Whether the order's currency was changed after gift vouchers were entered."""
        return any(line.payment.currency != self.currency for line in self.lines)


def payments_of(order: Any) -> Any:
    """Return the payments of ``order``, oldest first; its model needs no ``VoucherOrderMixin``.

    Each is annotated with ``is_in_flight``: whether an operation of it is open or its outcome is unknown.
    """
    payments = VoucherPayment.current.of_order(known_number(order), order_created_at(order))
    in_flight = VoucherOperation.objects.filter(IS_OPEN, payment=OuterRef("pk"))
    return payments.with_open_charge().annotate(is_in_flight=Exists(in_flight)).order_by("pk")


def is_removable(payment: Any) -> bool:
    """Return whether a customer may remove the voucher: nothing was charged and nothing is in flight."""
    return payment.status in REMOVABLE and payment.amount_captured == ZERO and not payment.is_in_flight


def summarise(order: Any) -> Summary:
    """Return the gift vouchers of ``order`` and its figures. Raises PaymentStateError for an order without a number;
    errors of ``SOLD_VOUCHERS`` pass through."""
    facts = with_sold(order_facts(order), order)
    sold, view = facts.total - facts.payable, read_order(facts.number)
    payments = without_earlier_order(view, facts.created_at).payments
    if not payments:
        return Summary(facts.number, facts.total, facts.currency, ZERO, ZERO, facts.total, [], sold)
    cover, known = cover_of(facts, view), (each for each in payments if each.status in SHOWN_STATUSES)
    shown = [payment for payment in known if payment.status != "failed" or is_unpaid(payment)]
    return Summary(
        number=facts.number,
        total=cover.total,
        currency=cover.currency,
        covered=cover.covered,
        held=cover.held,
        due=cover.due,
        lines=[_line(payment) for payment in _without_replaced(shown)],
        sold=sold,
    )


def shown_summary(order: Any) -> Summary | None:
    """Return the figures of ``order``, or None where there is nothing to show: it has no vouchers, and none can pay it.
    That is an order with facts that no verb accepts, or a total of zero or less, or no order at all."""
    if is_missing(order):
        return None
    try:
        summary = summarise(order)
    except PaymentStateError:
        if payments_of(order).exists():
            raise
        return None
    return summary if summary.total or summary.lines else None


def is_missing(order: Any) -> bool:
    """Return whether a template names no order: None, also a lazy one, or the empty text of an unknown variable."""
    return isinstance(order, NoneType | str) and not order


def _without_replaced(payments: Iterable[Any]) -> list[Any]:
    """Leave out a lapsed payment whose code was entered again."""
    found = list(payments)
    live = {payment.code_fingerprint for payment in found if payment.status != "lapsed"}
    return [
        payment for payment in found if payment.status != "lapsed" or payment.code_fingerprint not in live
    ]


def _line(payment: Any) -> VoucherLine:
    amount = payment.amount_captured + max(payment.amount_authorized, agreed(payment))
    return VoucherLine(payment, amount, _state(payment), is_removable(payment))


def _state(payment: Any) -> str:
    if payment.is_in_flight:
        return "checking"
    if payment.status == "authorized" and not has_ended(payment.reserved_until, timezone.now()):
        return "held"
    if payment.status in HELD_BEFORE and outlives_hold(payment):
        return "agreed"
    return "run_out" if payment.status == "authorized" else str(payment.status)
