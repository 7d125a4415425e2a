"""The rows of a time span, read from the ledger: streamed, a bounded number at a time, in the order of their booking.

An operation belongs to the instant at which its success was recorded. Its row never changes afterwards.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from voucher_payment_gateway.books.rows import BookingRow, RowKind, VatKind
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

__all__ = ["CHUNK", "START", "Position", "booking_rows", "row_chunk"]

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
    operations = list(_operations(since, until, position)[:limit])
    sales = _sales_of(operations)
    rows = [row for each in operations if (row := _row(each, sales)) is not None]
    is_last = len(operations) < limit
    return rows, None if is_last else Position(operations[-1].settled_at, operations[-1].pk)


def _operations(since: datetime, until: datetime, position: Position) -> QuerySet[Any]:
    """Return the operations behind ``position``. The bound on one column alone lets the index on it be used."""
    booked = VoucherOperation.current.filter(kind__in=KINDS).filter(state="succeeded")
    booked = booked.filter(settled_at__gte=position.at or since, settled_at__lt=until)
    if position.at is not None:
        booked = booked.filter(Q(settled_at__gt=position.at) | Q(pk__gt=position.pk))
    operations: QuerySet[Any] = booked.select_related("payment", "sale").only(*COLUMNS_READ)
    return operations.order_by("settled_at", "pk")


def _sales_of(operations: list[VoucherOperation]) -> dict[tuple[str, str], VoucherSale]:
    """Return the sales of the vouchers that payments were made with, by account and voucher."""
    vouchers = {each.voucher_id for each in operations if each.payment_id}
    if not vouchers:
        return {}
    accounts = {each.payment.account for each in operations if each.payment_id}
    sales = VoucherSale.current.filter(account__in=accounts, voucher_id__in=vouchers).only(*SALE)
    return {(sale.account, sale.voucher_id): sale for sale in sales}


def _row(operation: VoucherOperation, sales: dict[tuple[str, str], VoucherSale]) -> BookingRow | None:
    """Return the row of an operation; None where it booked nothing, such as the end of a voucher that was never
    active."""
    kind = _kind(operation)
    if kind is None:
        return None
    payment = operation.payment if operation.payment_id else None
    account = operation.account
    sale = operation.sale or sales.get((account, operation.voucher_id))
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


def _kind(operation: VoucherOperation) -> RowKind | None:
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
    """Return the kind of VAT and its rate, as the payment's reservation showed it, else as it was sold."""
    known: VoucherPayment | VoucherSale | None = payment if payment and payment.taxable is not None else sale
    if known is None or known.taxable is None:
        return "", None
    return ("single_purpose", known.tax_rate) if known.taxable else ("multi_purpose", None)
