"""The rows of a time span, read from the ledger: streamed, a bounded number at a time, in the order of their booking.

An operation belongs to the instant at which its success was recorded. Nothing that this package does changes its row
afterwards: an import or a top-up that makes the voucher known later says nothing about earlier bookings, a later
reservation keeps the VAT of a payment that was charged, and from the archive the row is the same. What an operator
changes in the tables by hand changes the row; of a closed period ``books.periods.check_period`` tells it.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from voucher_payment_gateway.books.rows import SOLD_ELSEWHERE, BookingRow, RowKind, VatKind
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)

__all__ = ["CHUNK", "START", "Operation", "Position", "booking_rows", "row_chunk"]

Operation = VoucherOperation | VoucherArchivedOperation

CHUNK = 1000
"""Maximum of operations in memory."""

KINDS = ("charge", "refund", "recharge", "activate", "deactivate")

OPERATION = ("kind", "amount", "currency", "order_number", "voucher_id", "remote_id", "actor", "settled_at")
SALE = (
    "account",
    "voucher_id",
    "origin",
    "batch",
    "taxable",
    "tax_rate",
    "amount_topped_up",
    "activated_at",
    "valid_until",
    "created_at",
)
COLUMNS_READ = (
    *OPERATION,
    *(f"payment__{name}" for name in ("account", "taxable", "tax_rate")),
    *(f"sale__{name}" for name in SALE),
)
"""What is read: never a sealed code."""


class Position(NamedTuple):
    """Behind which operation a read goes on: the instant and primary key of the last one."""

    at: datetime | None
    pk: int


START = Position(None, 0)


def booking_rows(since: datetime, until: datetime, account: str | None = None) -> Iterator[BookingRow]:
    """Yield the rows from ``since`` on and before ``until``, oldest first; with ``account`` only its own."""
    position: Position | None = START
    while position is not None:
        rows, position = row_chunk(since, until, position)
        yield from (row for row in rows if account in (None, row.account))


def row_chunk(
    since: datetime, until: datetime, position: Position = START, limit: int = CHUNK
) -> tuple[list[BookingRow], Position | None]:
    """Return the rows of the next ``limit`` operations behind ``position``, and where to go on; None at the end."""
    operations, is_last = _operations(since, until, position, limit)
    rows = _rows(operations)
    return rows, None if is_last else _key(operations[-1])


def _operations(
    since: datetime, until: datetime, position: Position, limit: int
) -> tuple[list[Operation], bool]:
    """Return the next operations behind ``position``, at most ``limit``, and whether they are the last ones.

    The archive is read after the ledger: one that is moved between the two is in both, and counts once.
    """
    found: dict[Position, Operation] = {}
    is_last = True
    for model in (VoucherOperation, VoucherArchivedOperation):
        # the bound on one column alone lets the index on it be used
        booked = _booked(model).filter(settled_at__gte=position.at or since, settled_at__lt=until)
        if position.at is not None:
            booked = booked.filter(Q(settled_at__gt=position.at) | Q(pk__gt=position.pk))
        rows = list(booked.order_by("settled_at", "pk")[:limit])
        is_last = is_last and len(rows) < limit
        found.update({_key(each): each for each in rows})
    positions = sorted(found)
    is_last = is_last and len(positions) <= limit
    return [found[each] for each in positions[:limit]], is_last


def _booked(model: type[Operation]) -> QuerySet[Any]:
    operations: QuerySet[Any] = model.current.filter(kind__in=KINDS).filter(state="succeeded")
    return operations.select_related("payment", "sale").only(*COLUMNS_READ)


def _key(operation: Operation) -> Position:
    return Position(operation.settled_at, operation.pk)


def _rows(operations: list[Operation]) -> list[BookingRow]:
    sales = _sales_of(operations)
    return [row for each in operations if (row := _row(each, sales)) is not None]


def _sales_of(operations: list[Operation]) -> dict[tuple[str, str], VoucherSale]:
    """Return the sales of the vouchers that payments were made with, by account and voucher."""
    vouchers = {each.voucher_id for each in operations if each.payment_id}
    if not vouchers:
        return {}
    accounts = {each.account for each in operations if each.payment_id}
    sales = VoucherSale.current.filter(account__in=accounts, voucher_id__in=vouchers).only(*SALE)
    return {(sale.account, sale.voucher_id): sale for sale in sales}


def _row(operation: Operation, sales: dict[tuple[str, str], VoucherSale]) -> BookingRow | None:
    """Return the row of an operation; None where it booked nothing, such as the end of a voucher that was never
    active."""
    kind = _kind(operation)
    if kind is None:
        return None
    payment = operation.payment if operation.payment_id else None
    account = operation.account
    sale = _sale_of(operation, sales)
    amount = operation.amount
    if kind == "take_back" and operation.sale is not None:
        amount += operation.sale.amount_topped_up
    vat_kind, vat_rate = _vat(payment, sale)
    return BookingRow(
        booked_at=operation.settled_at,  # type: ignore[arg-type]  # it has succeeded
        kind=kind,
        order_number=operation.order_number,
        account=account,
        voucher_id=operation.voucher_id,
        amount=amount,
        currency=operation.currency,
        vat_kind=vat_kind,
        vat_rate=vat_rate,
        origin=sale.origin if sale else "",
        batch=sale.batch if sale else "",
        actor=operation.actor,
        remote_id=operation.remote_id,
        operation=operation.pk,
    )


def _sale_of(operation: Operation, sales: dict[tuple[str, str], VoucherSale]) -> VoucherSale | None:
    """Return the sale of the operation's voucher, if it was known when the operation was booked."""
    if operation.sale is not None:
        return operation.sale
    sale, booked_at = sales.get((operation.account, operation.voucher_id)), operation.settled_at
    if sale is None or booked_at is None or sale.origin not in SOLD_ELSEWHERE:
        return sale
    return sale if sale.created_at <= booked_at else None


def _kind(operation: Operation) -> RowKind | None:
    match operation.kind:
        case "activate":
            return "sale"
        case "deactivate":
            return "take_back" if _was_active(operation.sale) else None
        case "recharge":
            return (
                "recharge" if operation.sale_id else "refund"
            )  # that of a payment stands in place of a refund
        case "charge":
            return "charge"
        case _:
            return "refund"


def _was_active(sale: VoucherSale | None) -> bool:
    """Return whether the voucher was ever worth something. An imported one was activated elsewhere, which began its
    validity."""
    if sale is None:
        return False
    return sale.activated_at is not None or (sale.origin == "imported" and sale.valid_until is not None)


def _vat(payment: VoucherPayment | None, sale: VoucherSale | None) -> tuple[VatKind, Decimal | None]:
    """Return the kind of VAT and its rate: as this shop sold the voucher, whatever a reservation showed later, so that
    its redemption is booked as its sale was. Of a voucher that was sold elsewhere only the reservation knows."""
    is_own = sale is not None and sale.origin not in SOLD_ELSEWHERE
    known: VoucherPayment | VoucherSale | None = sale if is_own or payment is None else payment
    if known is None or known.taxable is None:
        return "", None
    return ("single_purpose", known.tax_rate) if known.taxable else ("multi_purpose", None)
