"""The statements that read the payments of an order.

Those that are run most are composed once: composing them takes longer than running them.
"""

from collections.abc import Collection
from functools import cache
from typing import Any

from django.db import router
from django.db.models import Count, F, Max, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan

from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.models.compiled import CompiledQuery
from voucher_payment_gateway.models.conditions import BOOKS, IS_OPEN, InLiterals, IsLiteral
from voucher_payment_gateway.models.fields import amount_field
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.states import MONEY_KINDS, OPEN_STATES

__all__ = ["UNDECIDED", "has_payments", "of_order", "on_vouchers", "with_code"]

UNDECIDED = Q(BOOKS, IS_OPEN) | Q(kind="charge", state="manual")
"""Operations whose outcome is open, and charges that are left to a person."""


def has_payments(order_number: str) -> bool:
    """Return whether vouchers have to do with this order, whatever became of them."""
    return _ANY.has_rows(database(), order_number)


def of_order(order_number: str) -> list[Any]:
    """Return the payments of an order, each with ``open_charge``, ``has_open_operation`` (a booking that is not
    decided, or a charge that needs review), ``is_in_flight`` (any operation that is not decided), and ``last_number``
    and ``charge_count`` of its operations."""
    return _OF_ORDER.rows(database(), order_number)


def with_code(order_number: str, fingerprints: Collection[str]) -> list[Any]:
    """Return the same, and the payments of any order with one of these codes."""
    return _with_codes(len(fingerprints)).rows(database(), order_number, *fingerprints)


def on_vouchers(vouchers: Collection[str]) -> list[Any]:
    """Return all payments with one of these voucher ids, of every order and account, oldest first."""
    ids = sorted(set(vouchers))
    return _on_vouchers(len(ids)).rows(router.db_for_write(VoucherPayment), *ids) if ids else []


@cache
def _on_vouchers(count: int) -> CompiledQuery:
    """Cached by the number of vouchers: those of one order, of which there are few."""
    payments = VoucherPayment.objects.all().with_open_charge().order_by("pk")
    return CompiledQuery(lambda *ids: payments.filter(voucher_id__in=ids), count)


@cache
def _with_codes(count: int) -> CompiledQuery:
    """Cached by the number of keys under which a code may be stored."""

    def build(number: str, *codes: str) -> QuerySet[Any]:
        return _payments_and_counts().filter(Q(order_number=number) | Q(code_fingerprint__in=codes))

    return CompiledQuery(build, 1 + count)


@cache
def _payments_and_counts() -> QuerySet[Any]:
    """Cached unevaluated: building this query takes longer than running it.

    The payments and their operations are joined once: a database plans that quicker than a subquery for each figure.
    And in one statement: what is decided by the payments is written under the number that follows these operations.
    """
    is_charge = IsLiteral(F("operations__kind"), "charge")
    is_open = InLiterals(F("operations__state"), OPEN_STATES)
    is_manual = IsLiteral(F("operations__state"), "manual")
    books = InLiterals(F("operations__kind"), MONEY_KINDS)
    open_charge = Sum("operations__amount", filter=Q(is_charge) & (Q(is_open) | Q(is_manual)))
    undecided = Count("operations", filter=Q(books, is_open) | Q(is_charge, is_manual))
    counted: QuerySet[Any] = VoucherPayment.objects.order_by("pk").annotate(
        open_charge=Coalesce(open_charge, Value(ZERO), output_field=amount_field("")),
        has_open_operation=GreaterThan(undecided, 0),
        is_in_flight=GreaterThan(Count("operations", filter=Q(is_open)), 0),
        last_number=Coalesce(Max("operations__number"), 0),
        charge_count=Count("operations", filter=Q(is_charge)),
    )
    return counted


_ANY = CompiledQuery(
    lambda number: VoucherPayment.objects.filter(order_number=number).order_by().values("pk")[:1]
)
_OF_ORDER = CompiledQuery(lambda number: _payments_and_counts().filter(order_number=number))
