"""The shop's rows, in memory, with the guarantees of the database: compare-and-set and uniqueness.

A reader gets a copy. A row is updated only if it is unchanged since it was read: an operation is compared by its
claim, a payment by its amounts and hold, an order by the number of its last operation.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from voucher_payment_gateway.rules.states import MONEY_KINDS, OPEN_STATES, check_transition

__all__ = ["ConflictError", "Operation", "Payment", "Rows"]

ZERO = Decimal("0.00")


class ConflictError(Exception):
    """Another worker wrote first; this write did not happen."""


@dataclass(slots=True)
class Payment:
    order_number: str
    voucher_id: str
    pk: int = 0
    status: str = "authorized"
    hold_id: str = ""
    reserved_until: datetime | None = None
    dead_at: datetime | None = None
    held: Decimal = ZERO
    agreed: Decimal = ZERO
    captured: Decimal = ZERO
    refunded: Decimal = ZERO
    has_code: bool = True
    cancel_requested_at: datetime | None = None

    def as_read(self) -> tuple[Any, ...]:
        return (self.status, self.hold_id, self.captured, self.refunded)

    def __copy__(self) -> "Payment":
        return Payment(*PAYMENT_FIELDS(self))


@dataclass(slots=True)
class Operation:
    payment_pk: int
    order_number: str
    voucher_id: str
    kind: str
    amount: Decimal
    pk: int = 0
    state: str = "due"
    claim: int = 0
    target_id: str = ""
    target_dead_at: datetime | None = None
    reference: str = ""
    baseline: list[str] | None = None
    remote_id: str = ""
    why: str = ""
    attempts: int = 0
    created_at: datetime | None = None
    sending_at: datetime | None = None
    due_at: datetime | None = None
    fence_at: datetime | None = None
    absent_at: datetime | None = None
    refused_at: datetime | None = None
    reread_at: datetime | None = None
    late_answers: list[str] = field(default_factory=list)
    reviewed: bool = False
    began: float = 0.0
    """The instant of its creation, for the oracle only."""
    sale_pk: int = 0
    """The key of its sale; ``payment_pk`` is 0 then."""
    code: str = ""
    """The code of the voucher that it created, until it is stored with the sale."""

    def __copy__(self) -> "Operation":
        return Operation(*OPERATION_FIELDS(self))


PAYMENT_FIELDS = attrgetter(*(each.name for each in fields(Payment)))
OPERATION_FIELDS = attrgetter(*(each.name for each in fields(Operation)))
"""All fields, in order: a row is copied many times a day, and ``copy`` alone takes four times as long."""


class Rows:
    """Both tables."""

    one_open_per_voucher = True

    def __init__(self) -> None:
        self.payments: dict[int, Payment] = {}
        self.operations: dict[int, Operation] = {}
        self.open: dict[int, Operation] = {}
        """An index of the undecided operations."""
        self.to_reread: dict[int, Operation] = {}
        self.cancel_requests: dict[int, Payment] = {}
        """The payments with a request to cancel."""
        self.numbers: dict[str, int] = {}
        self._claims = 0

    def payment(self, pk: int) -> Payment:
        return copy(self.payments[pk])

    def of_payment(self, pk: int) -> list[Operation]:
        """Return a payment's operations, oldest first."""
        return [copy(row) for row in self.operations.values() if row.payment_pk == pk]

    def number(self, order_number: str) -> int:
        """Return the number of the order's last operation."""
        return self.numbers.get(order_number, 0)

    def add(self, operation: Operation, number: int) -> None:
        """Insert an operation as the next after ``number``, or raise ConflictError."""
        if self.number(operation.order_number) != number:
            raise ConflictError
        self._check_unique(operation, operation.state, operation.remote_id)
        self.numbers[operation.order_number] = number + 1
        operation.pk = len(self.operations) + 1
        operation.claim = self._next_claim()
        self._store(copy(operation))

    def add_payment(self, payment: Payment) -> None:
        payment.pk = len(self.payments) + 1
        self.payments[payment.pk] = copy(payment)

    def compare_and_set(self, operation: Operation, **changes: Any) -> bool:
        """Update an operation if its claim is unchanged since it was read; return whether it was.

        Raises TransitionError for a transition that ``rules.states`` does not have.
        """
        if "state" in changes:
            check_transition(operation.state, changes["state"])
        stored = self.operations[operation.pk]
        if stored.claim != operation.claim:
            return False
        self._check_unique(stored, changes.get("state", stored.state), changes.get("remote_id", ""))
        changes["claim"] = self._next_claim()
        for name, value in changes.items():
            setattr(stored, name, value)
            setattr(operation, name, value)
        self._store(stored)
        return True

    def is_pending(self, pk: int) -> bool:
        """Return whether an operation of the payment is open."""
        return any(row.payment_pk == pk for row in self.open.values())

    def change_payment(self, payment: Payment, **changes: Any) -> None:
        """Update a payment if it is unchanged since it was read, or raise ConflictError."""
        stored = self.payments[payment.pk]
        if stored.as_read() != payment.as_read():
            raise ConflictError
        for name, value in changes.items():
            setattr(stored, name, value)
            setattr(payment, name, value)
        if stored.cancel_requested_at is not None:
            self.cancel_requests[stored.pk] = stored

    def remote_ids(self, voucher_id: str) -> set[str]:
        """Return the ids of the voucher's bookings that are in our rows."""
        return {
            row.remote_id
            for row in self.operations.values()
            if row.voucher_id == voucher_id and row.remote_id
        }

    def _check_unique(self, operation: Operation, state: str, remote_id: str) -> None:
        if operation.kind not in MONEY_KINDS:
            return
        if remote_id and self._other(self.operations.values(), operation, "remote_id", remote_id):
            raise ConflictError("remote_id")
        if (
            state in OPEN_STATES
            and self.one_open_per_voucher
            and self._other(self.open.values(), operation, "voucher_id", operation.voucher_id)
        ):
            raise ConflictError("open")

    def _other(self, rows: Iterable[Operation], operation: Operation, name: str, value: str) -> bool:
        return any(
            getattr(row, name) == value and row.pk != operation.pk and row.kind in MONEY_KINDS for row in rows
        )

    def _store(self, row: Operation) -> None:
        self.operations[row.pk] = row
        if row.state in OPEN_STATES:
            self.open[row.pk] = row
        else:
            self.open.pop(row.pk, None)
        if row.reread_at is not None:
            self.to_reread[row.pk] = row
        else:
            self.to_reread.pop(row.pk, None)

    def _next_claim(self) -> int:
        self._claims += 1
        return self._claims
