"""Moves the operations of orders that ended long ago into the archive, one transaction for each order.

Payments and sales stay where they are, with their sums, and so do idempotency keys: a call that is repeated moves
nothing again. An order is left alone while anything of it may still be needed: by ``settle``, by ``reconcile``, by a
person, or by a voucher that it sold and that can still be spent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from voucher_payment_gateway.books.ledger import CHUNK
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.records.conflicts import database, refuse_open_transaction
from voucher_payment_gateway.gateway.recovery.expire import locked
from voucher_payment_gateway.models import (
    VoucherApproval,
    VoucherArchivedOperation,
    VoucherArchivedOrder,
    VoucherDifference,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)
from voucher_payment_gateway.money import ZERO

__all__ = ["MIN_DAYS", "ArchiveReport", "TooRecentError", "archive"]

MIN_DAYS = 90
"""Minimum age of what is archived, and ``CONFIRMED_DAYS`` where that is more: so long sweeps look at an order again."""

ENDED_STATES = ("succeeded", "refused", "not_applied")
ENDED_PAYMENTS = ("captured", "refunded", "cancelled", "lapsed", "failed")


@dataclass
class ArchiveReport:
    """How many orders and operations were moved, and how many old orders were left as they are."""

    orders: int = 0
    operations: int = 0
    kept: int = 0


class TooRecentError(Exception):
    """The date is too late; nothing was moved."""


def archive(
    before: datetime,
    *,
    actor: str = "",
    check: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> ArchiveReport:
    """Archive each order of which everything ended before ``before``; with ``check`` count only.

    A crash loses and doubles nothing: an order is moved whole or not at all. Safe to run twice, and in several
    processes. Once ``stop`` returns true no other order is begun. Raises TooRecentError, and
    TransactionManagementError inside a transaction; nothing was moved then. No money moves.
    """
    refuse_open_transaction()
    days = max(MIN_DAYS, gateway_settings().CONFIRMED_DAYS)
    if before > timezone.now() - timedelta(days=days):
        raise TooRecentError(f"give a date at least {days:g} days ago. Nothing was moved.")
    report = ArchiveReport()
    for number in _old_orders(before):
        if stop():
            break
        moved = _archive_order(number, before, actor, check=check)
        report.orders += bool(moved)
        report.operations += moved
        report.kept += not moved
    return report


def _old_orders(before: datetime) -> Iterator[str]:
    """Yield the numbers of the orders with an operation that ended before ``before``, each once."""
    ended = VoucherOperation.current.filter(settled_at__isnull=False, settled_at__lt=before)
    rows = ended.order_by("settled_at", "pk").values_list("settled_at", "pk", "order_number")
    seen, after = {""}, Q()
    while page := list(rows.filter(after)[:CHUNK]):
        for number in dict.fromkeys(number for _, _, number in page):
            if number not in seen:
                seen.add(number)
                yield number
        settled_at, pk, _ = page[-1]
        after = Q(settled_at__gte=settled_at) & (Q(settled_at__gt=settled_at) | Q(pk__gt=pk))


def _archive_order(number: str, before: datetime, actor: str, *, check: bool) -> int:
    """Move the operations of an order, and return how many; 0 where it is left as it is."""
    with transaction.atomic(using=database()):
        if not _lock(number) or not _has_ended(number, before):
            return 0
        operations = _operations(number)
        if not all(_is_over(operation, before) for operation in operations):
            return 0
        if operations and not check:
            _move(number, operations, actor)
    return len(operations)


def _move(number: str, operations: list[VoucherOperation], actor: str) -> None:
    order = VoucherArchivedOrder.current.create(
        order_number=number,
        operation_count=len(operations),
        sums=_sums(operations),
        archived_at=timezone.now(),
        archived_by=actor[:150],
    )
    rows = [_archived(operation, order) for operation in operations]
    VoucherArchivedOperation.current.bulk_create(rows, batch_size=CHUNK)
    _delete(operations)


def _lock(number: str) -> bool:
    """Lock the payments and sales of an order, so that no operation of theirs is written meanwhile; False where another
    worker has one of them."""
    for model in (VoucherPayment, VoucherSale):
        rows = model.current.filter(order_number=number).order_by("pk")
        if len(locked(rows)) != rows.count():
            return False
    return True


def _operations(number: str) -> list[VoucherOperation]:
    """Return the operations of the payments and sales of an order, oldest first. In two statements: no index has the
    numbers of all operations."""
    of_sales = VoucherOperation.current.filter(sale__order_number=number)
    found = [*VoucherOperation.current.of_payments(order_number=number), *of_sales]
    return sorted(found, key=attrgetter("pk"))


def _has_ended(number: str, before: datetime) -> bool:
    payments = VoucherPayment.current.filter(order_number=number)
    sales = VoucherSale.current.filter(order_number=number)
    if not all(_payment_is_over(each, before) for each in payments):
        return False
    if not all(_sale_is_over(each, before) for each in sales) or payments.unpaid().exists():
        return False
    operations = VoucherOperation.current.of_payments(order_number=number)
    if operations.left_to_a_person().exists():
        return False
    if VoucherApproval.current.to_decide().filter(order_number=number).exists():
        return False
    if VoucherSale.current.filter(replaces_refund__in=operations.values("pk")).exists():
        return False
    named = VoucherDifference.current.filter(Q(order_number=number) | Q(operation__order_number=number))
    is_open = Q(gone_at=None, explained_at=None) | Q(operation__isnull=False)
    return not bool(named.filter(is_open).exists())


def _payment_is_over(payment: VoucherPayment, before: datetime) -> bool:
    is_cancelling = payment.cancel_requested_at is not None and payment.status != "cancelled"
    is_over = payment.status in ENDED_PAYMENTS and not payment.sealed_code and not is_cancelling
    return is_over and payment.updated_at < before


def _sale_is_over(sale: VoucherSale, before: datetime) -> bool:
    """Return whether the voucher cannot be spent any more, and nothing is to be done about it."""
    has_expired = sale.valid_until is not None and sale.valid_until < before
    is_over = sale.status in ("taken_back", "failed") or (sale.status == "active" and has_expired)
    return is_over and not sale.pending and sale.updated_at < before


def _is_over(operation: VoucherOperation, before: datetime) -> bool:
    ended_at = operation.settled_at or operation.created_at
    return operation.state in ENDED_STATES and operation.reread_at is None and ended_at < before


def _sums(operations: list[VoucherOperation]) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for operation in operations:
        if operation.state == "succeeded":
            count, amount = sums.get(f"{operation.kind} {operation.currency}", (0, ZERO))
            sums[f"{operation.kind} {operation.currency}"] = (count + 1, amount + operation.amount)
    return {name: {"count": count, "sum": f"{amount:.2f}"} for name, (count, amount) in sorted(sums.items())}


def _archived(operation: VoucherOperation, order: VoucherArchivedOrder) -> VoucherArchivedOperation:
    own = {field.attname for field in VoucherArchivedOperation._meta.concrete_fields}
    values = {
        field.attname: getattr(operation, field.attname) for field in VoucherOperation._meta.concrete_fields
    }
    more = {name: _plain(value) for name, value in values.items() if name not in own}
    kept = {name: value for name, value in values.items() if name in own}
    return VoucherArchivedOperation(**kept, archived_order=order, more=more)


def _plain(value: Any) -> Any:
    """Return a value for JSON, to the microsecond and the cent."""
    if value is None or isinstance(value, bool | int | str | list):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _delete(operations: list[VoucherOperation]) -> None:
    """Delete the rows that were copied; the foreign keys to them refuse it where something still needs one."""
    for start in range(0, len(operations), CHUNK):
        pks = [operation.pk for operation in operations[start : start + CHUNK]]
        rows: Any = models.QuerySet(VoucherOperation, using=database()).filter(pk__in=pks)
        deleted, _ = rows.delete()
        if deleted != len(pks):
            raise RuntimeError("other rows than those that were copied would have been deleted")
