"""One database of a shop: its orders, and the gateway's payments, operations and idempotency keys."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

__all__ = ["ZERO", "Database", "Operation", "Order", "Payment"]

ZERO = Decimal("0.00")
OPEN = ("due",)
"""Calls are exact here, so an operation is never ``sending`` or ``unknown`` when another one begins."""


@dataclass(slots=True, eq=False)
class Order:
    """The shop's row. ``uid`` is its true identity; the gateway knows the number only."""

    uid: int
    number: str
    total: Decimal | None
    currency: str
    status: str = "new"


@dataclass(slots=True, eq=False)
class Payment:
    order_number: str
    voucher_id: str
    uid: int
    pk: int = 0
    status: str = "selected"
    sealed_code: str = ""
    code_kept_until: datetime | None = None
    confirmed_at: datetime | None = None
    confirmation: int = 0
    cancel_requested_at: datetime | None = None
    reservation_id: str = ""
    reserved_until: datetime | None = None
    dead_at: datetime | None = None
    renew_at: datetime | None = None
    amount_limit: Decimal | None = None
    amount_agreed: Decimal = ZERO
    amount_authorized: Decimal = ZERO
    amount_captured: Decimal = ZERO
    amount_refunded: Decimal = ZERO
    operations: list["Operation"] = field(default_factory=list)

    @property
    def open_charge(self) -> Decimal:
        """The amount of charges whose outcome is open, or left to a person."""
        return sum(
            (op.amount for op in self.operations if op.kind == "charge" and op.state in ("due", "manual")),
            ZERO,
        )

    @property
    def has_open_operation(self) -> bool:
        return any(
            op.state == "due" or (op.kind == "charge" and op.state == "manual") for op in self.operations
        )

    @property
    def was_refused(self) -> bool:
        return any(op.kind == "refund" and op.state in ("refused", "manual") for op in self.operations)

    def as_read(self) -> tuple[Any, ...]:
        return (self.status, self.reservation_id, self.amount_captured, self.amount_refunded)


@dataclass(slots=True, eq=False)
class Operation:
    payment: Payment
    kind: str
    amount: Decimal
    number: int
    reference: str
    asked: Decimal | None = None
    key: str = ""
    target_id: str = ""
    state: str = "due"
    remote_id: str = ""
    error_code: str = ""
    is_sent: bool = False
    waits: bool = False
    """Behind another one on its voucher: one operation is open per voucher."""
    is_planned_now: bool = False
    """Planned by the order as it is committed: not planned again before it is sent."""
    created_at: datetime | None = None


class Database:
    """Copied by ``copy.deepcopy``: a backup, or the database of a staging site."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.payments: dict[str, list[Payment]] = {}
        self._by_voucher: dict[str, list[Payment]] = {}
        self.operations: list[Operation] = []
        self.keys: dict[tuple[str, str, str], Decimal | None] = {}
        self.open_until: dict[str, datetime] = {}
        """By voucher: when the last reservation that this shop made of it is certainly over, recorded or not."""
        self.instance = ""
        self._count = 0

    def of_order(self, number: str) -> list[Payment]:
        """Return the order's payments, oldest first."""
        return self.payments.get(number, [])

    def all_payments(self) -> Iterable[Payment]:
        return (payment for payments in self.payments.values() for payment in payments)

    def on_voucher(self, voucher_id: str) -> list[Payment]:
        return self._by_voucher.get(voucher_id, [])

    def add(self, payment: Payment) -> None:
        self._count += 1
        payment.pk = self._count
        self.payments.setdefault(payment.order_number, []).append(payment)
        self._by_voucher.setdefault(payment.voucher_id, []).append(payment)

    def write(self, operation: Operation) -> None:
        self.operations.append(operation)
        operation.payment.operations.append(operation)

    def operations_of(self, number: str) -> list[Operation]:
        return [op for payment in self.of_order(number) for op in payment.operations]
