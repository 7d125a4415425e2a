"""What our records say of an order, and how two deciders at once are kept apart.

Whoever decides something about an order reads its payments and the number of its last operation, and writes the
next one. Had somebody else written meanwhile, the number is taken: nothing is written, and it is decided anew.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import (
    CurrencyMismatchError,
    OperationInProgressError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import BOOKS, IS_OPEN
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import OrderFacts, order_number
from voucher_payment_gateway.rules.states import HELD_BEFORE, LIVE_STATUSES
from voucher_payment_gateway.sealing import Secret, fingerprints

__all__ = [
    "OrderView",
    "is_busy",
    "read_order",
    "refuse_if_cancelling",
    "refuse_if_open",
    "refuse_known_currency",
    "refuse_one_too_many",
    "refuse_other_currency",
    "target",
]


@dataclass(frozen=True)
class OrderView:
    """The payments of one order as they were read, oldest first, and the numbers of what comes next."""

    order_number: str
    payments: list[VoucherPayment]
    rivals: list[VoucherPayment]
    """Payments of other orders that hold what the code in question stands for."""
    next_number: int
    next_capture: int

    def part(self, pk: int | None) -> list[VoucherPayment]:
        """Return all payments, or the one that was asked for."""
        return [payment for payment in self.payments if pk in (None, payment.pk)]

    def live_payment(self, code: str) -> VoucherPayment | None:
        """Return the payment that is not ended and was made with this code."""
        known = set(fingerprints(code))
        return next(
            (p for p in self.payments if p.code_fingerprint in known and p.status in LIVE_STATUSES), None
        )

    def held_with(self, voucher_id: str) -> VoucherPayment | None:
        """Return the payment that holds this voucher now, or held it and may hold it again."""
        return next(
            (p for p in self.payments if p.voucher_id == voucher_id and p.status in HELD_BEFORE), None
        )

    def due(self, total: Decimal, *, without: list[VoucherPayment] | None = None) -> Decimal:
        """Return what of ``total`` no payment paid, holds or is about to be charged, what those ``without`` hold left
        out of account."""
        left_out = {payment.pk for payment in without or []}
        return max(total - self.covered(without=left_out), ZERO)

    def covered(self, *, without: Collection[int] = ()) -> Decimal:
        """Return what payments paid, hold or are about to be charged, what those ``without`` hold left out."""
        covered = ZERO
        for payment in self.payments:
            if payment.status != "cancelled":
                held = ZERO if payment.pk in without else payment.amount_authorized
                covered += payment.amount_captured + max(held, payment.open_charge)
        return covered

    def left_over(self, *, codes: Collection[str], voucher_id: str = "") -> list[VoucherPayment]:
        """Return the payments of which earlier captures left something that could still be captured: those made with
        one of these fingerprints, or with this voucher."""
        return [
            payment
            for payment in self.payments
            if payment.status in ("captured", "refunded")
            and payment.sealed_code
            and (payment.code_fingerprint in codes or payment.voucher_id == voucher_id)
        ]


def read_order(order_number: str, *, code: str = "") -> OrderView:
    """Read the payments of an order in one statement, and with ``code`` those of other orders that hold it."""
    wanted = Q(order_number=order_number)
    if code:
        wanted |= Q(code_fingerprint__in=fingerprints(code), status="authorized")
    found = list(_payments_and_counts().using(database()).filter(wanted))
    payments = [payment for payment in found if payment.order_number == order_number]
    rivals = [payment for payment in found if payment.order_number != order_number]
    last_number, charge_count = (payments[0].last_number, payments[0].charge_count) if payments else (0, 0)
    return OrderView(order_number, payments, rivals, last_number + 1, charge_count + 1)


@cache
def _payments_and_counts() -> QuerySet[Any]:
    """Return the payments with ``has_open_operation`` of each (one that books and is not decided, a charge left to
    a person included) and, of the order, ``last_number`` and ``charge_count``.

    Kept unread, to be filtered: to put it together takes longer than to ask for it.
    """
    operations = VoucherOperation.objects.filter(order_number=OuterRef("order_number"))
    undecided = Q(BOOKS, IS_OPEN) | Q(kind="charge", state="manual")
    is_open = VoucherOperation.objects.filter(undecided, payment=OuterRef("pk"))
    counted: QuerySet[Any] = (
        VoucherPayment.objects.all()
        .with_open_charge()
        .order_by("pk")
        .annotate(
            has_open_operation=Exists(is_open),
            last_number=Coalesce(Subquery(operations.order_by("-number").values("number")[:1]), 0),
            charge_count=Coalesce(Subquery(_count(operations.filter(kind="charge"))), 0),
        )
    )
    return counted


def _count(operations: QuerySet[Any]) -> QuerySet[Any, Any]:
    counted: QuerySet[Any, Any] = (
        operations.order_by().values("order_number").annotate(count=Count("pk")).values("count")
    )
    return counted


def refuse_if_cancelling(payment: VoucherPayment) -> None:
    """Raise OperationInProgressError where somebody wants the payment cancelled and that is not done yet."""
    if payment.cancel_requested_at is not None:
        raise OperationInProgressError(
            f"order {payment.order_number}: the gift voucher …{payment.code_hint} is being cancelled. Nothing was sent."
        )


def refuse_if_open(payments: list[VoucherPayment]) -> None:
    """Raise OperationInProgressError where one of the payments has an operation that is not decided yet."""
    for payment in payments:
        if payment.has_open_operation:
            raise OperationInProgressError(
                f"order {payment.order_number}: an operation on the gift voucher …{payment.code_hint} is not "
                "finished yet. Nothing was sent."
            )


def is_busy(voucher_id: str) -> bool:
    """Whether an operation that books is open on the voucher, for whatever order."""
    operations = VoucherOperation.objects.using(database()).filter(voucher_id=voucher_id, waits=False)
    return operations.filter(BOOKS, IS_OPEN).exists()


def target(order: Any) -> tuple[str, int | None]:
    """Return the order number and, where a single payment was given, its primary key."""
    if isinstance(order, VoucherPayment):
        return order.order_number, order.pk
    return order_number(order), None


def refuse_other_currency(view: OrderView, facts: OrderFacts) -> None:
    """Raise WrongStateError where the order's currency was changed under the vouchers that pay it, or may pay it once
    more."""
    paying = [payment for payment in view.payments if _is_paying(payment)]
    others = {payment.currency for payment in paying} - {facts.currency}
    if others:
        raise WrongStateError(
            f"order {facts.number} is in {facts.currency}, but its gift vouchers pay in {min(others)}: cancel them "
            "first. Nothing was sent.",
            code="order_currency_changed",
        )


def _is_paying(payment: VoucherPayment) -> bool:
    may_be_held_again = payment.status in ("lapsed", "refunded") and bool(payment.sealed_code)
    return may_be_held_again or payment.status in ("selected", "authorized", "captured")


def refuse_one_too_many(view: OrderView) -> None:
    """Raise WrongStateError where an order has as many vouchers as it may have: each costs calls whenever the order
    is confirmed, charged or given back."""
    count = sum(map(_is_paying, view.payments))
    if count >= gateway_settings().VOUCHERS_PER_ORDER:
        raise WrongStateError(
            f"order {view.order_number}: it has {count} gift vouchers, as many as it may have. Nothing was sent.",
            code="too_many_vouchers",
        )


def refuse_known_currency(view: OrderView, facts: OrderFacts, secret: Secret) -> None:
    """Raise CurrencyMismatchError where the voucher was held for this order before, in another currency. Payments of
    other orders are not asked: whoever types the code here may not know its PIN."""
    known = set(fingerprints(secret.code))
    for payment in view.payments:
        if payment.code_fingerprint in known and payment.voucher_id and payment.currency != facts.currency:
            raise CurrencyMismatchError(
                f"order {facts.number}: the gift voucher …{payment.code_hint} is held in {payment.currency}. "
                "Nothing was sent."
            )
