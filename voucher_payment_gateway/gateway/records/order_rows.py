"""The statements that read the payments of an order.

Those that are run most are composed once: composing them takes longer than running them.
"""

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any

from django.db import router
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.compiled import CompiledQuery
from voucher_payment_gateway.models.conditions import BOOKS, IS_OPEN

__all__ = ["UNDECIDED", "has_payments", "of_order", "on_vouchers", "with_code"]

UNDECIDED = Q(BOOKS, IS_OPEN) | Q(kind="charge", state="manual")
"""Operations whose outcome is open, and charges that are left to a person."""


def has_payments(order_number: str) -> bool:
    """Return whether vouchers have to do with this order, whatever became of them."""
    return _ANY.has_rows(database(), order_number)


def of_order(order_number: str) -> list[Any]:
    """Return the payments of an order, each with ``has_open_operation`` (a booking that is not decided, or a charge
    that needs review) and, of its order, ``last_number`` and ``charge_count``."""
    return _OF_ORDER.rows(database(), order_number)


def with_code(order_number: str, fingerprints: Collection[str]) -> list[Any]:
    """Return the same, and the payments of any order with one of these codes."""
    return _with_codes(len(fingerprints)).rows(database(), order_number, *fingerprints)


def on_vouchers(vouchers: Collection[str]) -> list[Any]:
    """Return all payments with one of these voucher ids, of every order and account, oldest first."""
    ids = sorted(set(vouchers))
    return _on_vouchers(len(ids)).rows(router.db_for_write(VoucherPayment), *ids) if ids else []


@lru_cache(maxsize=8)
def _on_vouchers(count: int) -> CompiledQuery:
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
    """Cached unevaluated: building this query takes longer than running it."""
    operations = VoucherOperation.objects.all().of_payments(order_number=OuterRef("order_number"))
    is_open = VoucherOperation.objects.filter(UNDECIDED, payment=OuterRef("pk"))
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


_ANY = CompiledQuery(
    lambda number: VoucherPayment.objects.filter(order_number=number).order_by().values("pk")[:1]
)
_OF_ORDER = CompiledQuery(lambda number: _payments_and_counts().filter(order_number=number))
