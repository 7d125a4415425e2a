"""Carrying out what a verb has planned, one operation after the other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction

from voucher_payment_gateway.exceptions import PaymentStateError, VoucherGatewayError
from voucher_payment_gateway.gateway.operations.execute import execute_due, execute_new
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, database, retry_on_conflict
from voucher_payment_gateway.gateway.records.order_view import OrderView, is_busy, read_order
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO

__all__ = ["Plan", "Progress", "run_batch"]


@dataclass
class Progress:
    """What one run has tried so far."""

    resumed: list[VoucherOperation] = field(default_factory=list)
    """Operations of an earlier call that were still due."""
    started: list[VoucherOperation] = field(default_factory=list)
    """Those that this run has planned."""

    @property
    def operations(self) -> list[VoucherOperation]:
        return self.resumed + self.started

    @property
    def payments(self) -> set[int | None]:
        """The primary keys of the payments touched."""
        return {operation.payment_id for operation in self.operations}

    @property
    def amount(self) -> Decimal:
        return sum((operation.amount for operation in self.operations), ZERO)


Plan = Callable[[OrderView, Progress, Decimal | None], list[VoucherOperation]]
"""Given the order as it stands, what this run has done, and how much is left to do (None: all there is), return
the operations that are to be started."""


def run_batch(
    handler: OperationHandler,
    order_number: str,
    plan: Plan,
    *,
    pk: int | None = None,
    asked: Decimal | None = None,
    payment_changes: dict[str, Any] | None = None,
) -> list[VoucherPayment]:
    """Do all that ``plan`` says, each operation on its own, and return the payments touched.

    What was written down before and never sent is sent now: asking again for all, or for the same capture, means
    that. A second refund of the same amount may be another return, so it has to wait. Where somebody else wrote
    about the order meanwhile, the rest is planned anew. All are tried, one after the other on one voucher: what has to
    wait there is written down, and carried out later. Then the first error is raised.
    """
    run = _Batch(handler, order_number, plan, pk, asked, payment_changes or {})
    try:
        with _all_or_nothing():
            retry_on_conflict(run.advance, progress=lambda: len(run.done.operations))
    except PaymentStateError as error:
        if run.errors:
            raise run.errors[0] from None
        raise run.explain_partial(error) from None
    if run.errors:
        raise run.errors[0]
    return list({operation.payment.pk: operation.payment for operation in run.done.operations}.values())


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """Inside of a transaction either all is written down to be carried out after its commit, or nothing."""
    if transaction.get_connection(database()).in_atomic_block:
        with transaction.atomic(using=database()):
            yield
    else:
        yield


@dataclass
class _Batch:
    """One call of a verb, perhaps planned several times."""

    handler: OperationHandler
    order_number: str
    plan: Plan
    pk: int | None
    asked: Decimal | None
    payment_changes: dict[str, Any]
    done: Progress = field(default_factory=Progress)
    errors: list[VoucherGatewayError] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    """Vouchers that had an open operation when one was to be started on them."""

    def advance(self) -> None:
        """Do what is left to do, by the order as it stands."""
        view = read_order(self.order_number)
        for operation in self._never_sent(view.part(self.pk)):
            self._attempt(self._send_unless_committed_later, operation)
            self.done.resumed.append(operation)
        if self.done.operations:
            view = read_order(self.order_number)
        left = self.asked if self.asked is None else self.asked - self.done.amount
        if left is not None and left <= ZERO:
            return
        number = view.next_number
        for draft in self.plan(view, self.done, left):
            draft.number = number
            draft.waits = draft.voucher_id in self.busy and is_busy(draft.voucher_id)
            reservation_id = draft.payment.reservation_id
            self._attempt(self._start, draft)
            self.done.started.append(draft)
            number = draft.number + (1 if draft.payment.reservation_id == reservation_id else 2)

    def _attempt(self, step: Callable[[VoucherOperation], None], operation: VoucherOperation) -> None:
        try:
            step(operation)
        except VoucherGatewayError as error:
            self.errors.append(error)

    def _start(self, draft: VoucherOperation) -> None:
        try:
            execute_new(self.handler, draft, **self.payment_changes)
        except ConflictError:
            if is_busy(draft.voucher_id):
                self.busy.add(draft.voucher_id)
            raise

    def _never_sent(self, payments: list[VoucherPayment]) -> list[VoucherOperation]:
        """Return the operations that are due, where they are what is asked for."""
        waiting = [payment for payment in payments if payment.has_open_operation]
        if not waiting:
            return []
        due = VoucherOperation.current.filter(payment__in=waiting, kind=self.handler.kind, state="due")
        operations = [each for each in due.select_related("payment") if each not in self.done.operations]
        same = self.asked == sum((operation.amount for operation in operations), ZERO)
        return operations if self.asked is None or (same and self.handler.kind == "charge") else []

    def _send_unless_committed_later(self, operation: VoucherOperation) -> None:
        """Send what is due. Inside of a transaction it is left to the commit, or to ``settle``."""
        if not transaction.get_connection(database()).in_atomic_block:
            execute_due(self.handler, operation)

    def explain_partial(self, error: PaymentStateError) -> PaymentStateError:
        """Say what went through before the rest turned out to be impossible."""
        done = self.done.operations
        gone = sum((operation.amount for operation in done if operation.state == "succeeded"), ZERO)
        gone += self._followed([operation for operation in done if operation.state == "refused"])
        if not gone:
            return error
        told = type(error)(f"{gone} went through before; the rest did not: {error}", code=error.code)
        told.money_moved = "maybe"
        return told

    def _followed(self, refused: list[VoucherOperation]) -> Decimal:
        """Return what was charged on the new reservations that followed a refusal."""
        payments = [operation.payment_id for operation in refused]
        since = min((operation.number for operation in refused), default=0)
        charges = VoucherOperation.current.filter(payment__in=payments, kind="charge")
        booked = charges.filter(state="succeeded", number__gt=since)
        return sum(booked.values_list("amount", flat=True), ZERO)
