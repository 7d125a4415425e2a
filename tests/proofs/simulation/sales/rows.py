"""The rows of sales, in memory, with the guarantees of the database: a sale is updated only if it is unchanged since it
was read, has one open operation at most, and an idempotency key is stored with what it began."""

from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from tests.proofs.simulation.rows import ZERO, ConflictError, Operation, Payment, Rows
from voucher_payment_gateway.rules.states import OPEN_STATES

__all__ = ["KEY_IS_FREE", "Sale", "SaleRows"]

KEY_IS_FREE = ("unpaid", "replaced", "refused")
"""Reasons after which the order may be sold a new voucher under the same key."""


@dataclass(slots=True)
class Sale:
    order_number: str
    key: str
    amount: Decimal
    voucher_id: str
    target: str
    pk: int = 0
    origin: str = "sold"
    status: str = "ordered"
    end_reason: str = ""
    code: str = ""
    topped_up: Decimal = ZERO
    replaces: int = 0
    """The key of the refund in whose place it was given."""
    created_at: datetime | None = None
    due_at: datetime | None = None
    was_active: bool = False
    version: int = 0
    refusals: list[tuple[float, str]] = field(default_factory=list)
    """When the shop asked, and why it was told that it cannot be taken back; for the oracle only."""

    def __copy__(self) -> "Sale":
        return Sale(*SALE_FIELDS(self))


SALE_FIELDS = attrgetter(*(each.name for each in fields(Sale)))


class SaleRows(Rows):
    """The tables of payments, operations, sales and idempotency keys."""

    def __init__(self) -> None:
        super().__init__()
        self.sales: dict[int, Sale] = {}
        self.keys: dict[tuple[str, ...], int] = {}
        """The operation or sale that a call with an idempotency key began."""

    def payment(self, pk: int) -> Payment:
        """Return a copy of a payment; for an operation of a sale an empty one."""
        return super().payment(pk) if pk else Payment("", "")

    def sale(self, pk: int) -> Sale:
        return copy(self.sales[pk])

    def of_order(self, order_number: str) -> list[Sale]:
        return [copy(sale) for sale in self.sales.values() if sale.order_number == order_number]

    def steps(self, sale_pk: int) -> list[Operation]:
        """Return the operations of a sale, oldest first. They are the rows themselves, to be read only."""
        return [op for op in self.operations.values() if op.sale_pk == sale_pk]

    def open_step(self, sale_pk: int) -> Operation | None:
        """Return the operation of the sale that is not decided yet, or is left to a person."""
        unsettled = (op for op in self.steps(sale_pk) if op.state in (*OPEN_STATES, "manual"))
        found = next(unsettled, None)
        return found and copy(found)

    def due_sales(self, now: datetime) -> list[int]:
        """Return the sales whose next step is due, and of which no operation is undecided."""
        due = [sale.pk for sale in self.sales.values() if sale.due_at is not None and sale.due_at <= now]
        return [pk for pk in due if self.open_step(pk) is None]

    def has_due_operations(self, now: datetime, leased_since: datetime) -> bool:
        """Return whether a sweep has something to do with an operation."""
        return any(
            op.sending_at is not None and op.sending_at < leased_since
            if op.state == "sending"
            else op.due_at is None or op.due_at <= now
            for op in self.open.values()
        ) or any(op.reread_at is not None and op.reread_at <= now for op in self.to_reread.values())

    def add_sale(self, sale: Sale) -> None:
        """Insert a sale, or raise ConflictError where its voucher or its key has one."""
        for other in self.sales.values():
            same_key = (other.order_number, other.key) == (sale.order_number, sale.key)
            if other.voucher_id == sale.voucher_id or (same_key and other.end_reason not in KEY_IS_FREE):
                raise ConflictError("sale")
        sale.pk = len(self.sales) + 1
        self.sales[sale.pk] = copy(sale)

    def change_sale(self, sale: Sale, **changes: Any) -> None:
        """Update a sale if it is unchanged since it was read, or raise ConflictError."""
        stored = self.sales[sale.pk]
        if stored.version != sale.version:
            raise ConflictError
        for name, value in {**changes, "version": sale.version + 1}.items():
            setattr(stored, name, value)
            setattr(sale, name, value)

    def add(self, operation: Operation, number: int) -> None:
        """Insert an operation: of a payment as the order's next, of a sale as the sale's next."""
        sale_pk = operation.sale_pk
        if not sale_pk:
            super().add(operation, number)
            return
        steps = self.steps(sale_pk)
        if len(steps) != number or any(op.state in OPEN_STATES for op in steps):
            raise ConflictError
        self._check_unique(operation, operation.state, operation.remote_id)
        operation.pk = len(self.operations) + 1
        operation.claim = self._next_claim()
        self._store(copy(operation))
