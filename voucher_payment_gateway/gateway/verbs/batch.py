"""Run the operations that a verb has planned: those of different vouchers side by side."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction

from voucher_payment_gateway.exceptions import PaymentStateError, VoucherGatewayError
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.registry import HANDLERS
from voucher_payment_gateway.gateway.operations.side_by_side import (
    Failures,
    Outbox,
    SideBySide,
    first_error,
    groups,
    read_ahead,
)
from voucher_payment_gateway.gateway.operations.start import execute_new
from voucher_payment_gateway.gateway.records.conflicts import (
    ConflictError,
    database,
    in_transaction,
    retry_on_conflict,
)
from voucher_payment_gateway.gateway.records.order_view import OrderView, is_busy, read_order
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.states import GIVES_BACK

__all__ = ["Plan", "Progress", "run_batch"]


@dataclass
class Progress:
    """The operations that a batch has tried so far."""

    resumed: list[VoucherOperation] = field(default_factory=list)
    """Due operations of an earlier call."""
    started: list[VoucherOperation] = field(default_factory=list)
    """Operations planned by this batch."""
    may_follow: bool = False
    """Whether an operation may be written down behind one that is due and was never sent: inside the caller's
    transaction, where several parts of an order are written together."""

    @property
    def operations(self) -> list[VoucherOperation]:
        return self.resumed + self.started

    @property
    def payments(self) -> set[int | None]:
        """Primary keys of the payments of these operations."""
        return {operation.payment_id for operation in self.operations}

    def unsettled_payments(self, *, may_follow: bool) -> set[int | None]:
        """Return the primary keys of the payments of which this batch may take nothing more: it has planned them, or an
        earlier call's operation did not come to its end. With ``may_follow`` a due one is followed by the rest."""
        ended = ("succeeded", "due") if may_follow else ("succeeded",)
        open_ones = [operation for operation in self.resumed if operation.state not in ended]
        return {operation.payment_id for operation in [*open_ones, *self.started]}

    @property
    def amount(self) -> Decimal:
        return sum((operation.amount for operation in self.operations), ZERO)


Plan = Callable[[OrderView, Progress, Decimal | None], list[VoucherOperation]]
"""Takes the order as read, the progress of the batch, and the amount left (None: everything); returns drafts of the
operations to start."""


def run_batch(
    handler: OperationHandler,
    order_number: str,
    plan: Plan,
    *,
    pk: int | None = None,
    asked: Decimal | None = None,
    payment_changes: dict[str, Any] | None = None,
    key: VoucherIdempotencyKey | None = None,
    outbox: Outbox | None = None,
    together: SideBySide | None = None,
    view: OrderView | None = None,
) -> list[VoucherPayment]:
    """Start every operation that ``plan`` returns, and return their payments.

    Due operations of an earlier call are resumed where this call repeats it: all of the rest or, outside a
    transaction, the same capture. A second refund of the same amount may be another return, so it is not taken for a
    repetition. Inside a transaction every call with an amount is another part, which follows the earlier ones. After a
    conflict the rest is planned again. Operations on one voucher are serialised: those that must wait are queued, and
    ``settle`` sends them. All are tried, then the first error is raised. ``key`` is stored with each operation; with
    ``outbox`` all are only written, and put there; with ``together`` they only begin, beside others of the caller,
    who is given their errors there, and may have read the order as ``view``.
    """
    is_in_transaction = in_transaction()
    progress = Progress(may_follow=outbox is None and is_in_transaction)
    beside = together or SideBySide()
    last_number = beside.last_number
    batch = _Batch(
        handler, order_number, plan, pk, asked, payment_changes or {}, key, outbox, beside, view, progress
    )
    advance = batch.advance if together else batch.advance_and_send
    try:
        # inside a transaction all operations are written or none; they are carried out after its commit
        with transaction.atomic(using=database()) if is_in_transaction else nullcontext():
            retry_on_conflict(advance, progress=lambda: len(batch.progress.operations))
    except PaymentStateError as error:
        if is_in_transaction:  # what was written is taken back
            beside.last_number = last_number
        raise (batch.error or batch.explain_partial(error)) from None
    if together is not None:
        together.failures += batch.failures
    elif batch.error:
        raise batch.error
    return list({operation.payment.pk: operation.payment for operation in batch.progress.operations}.values())


@dataclass
class _Batch:
    """One call of a verb; it is planned again after each conflict."""

    handler: OperationHandler
    order_number: str
    plan: Plan
    pk: int | None
    asked: Decimal | None
    payment_changes: dict[str, Any]
    key: VoucherIdempotencyKey | None
    outbox: Outbox | None
    beside: SideBySide
    view: OrderView | None
    progress: Progress
    failures: Failures = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    """Vouchers that had an open operation when another one was to be started."""

    @property
    def error(self) -> Exception | None:
        """The error of the operation that was planned first of those that failed."""
        return first_error([*self.failures, *self.beside.failures], self.progress.operations)

    def advance_and_send(self) -> None:
        """Advance; what has begun is carried out in any case."""
        try:
            with self.beside:
                self.advance()
        finally:
            self._gather_failures()

    def _gather_failures(self) -> None:
        self.failures += self.beside.failures
        self.beside.failures.clear()

    def advance(self) -> None:
        """Resume and start the operations that are left, by the order as it is now."""
        view, self.view = self.view or read_order(self.order_number), None
        self._resume_all(self._repeated(view.matching(self.pk)))
        if self.progress.operations:
            self.beside.send()
            view = read_order(self.order_number)
        left = self.asked if self.asked is None else self.asked - self.progress.amount
        if left is not None and left <= ZERO:
            return
        number = view.next_number
        planned = self.plan(view, self.progress, left)
        for position, group in enumerate(groups(planned, lambda draft: draft.voucher_id)):
            if position:
                self.beside.send()
            self._read_ahead(group)
            for draft in group:
                draft.number = number
                draft.waits = self._may_be_busy(draft) and is_busy(draft.voucher_id)
                reservation_id = draft.payment.reservation_id
                self._attempt(self._start, draft)
                self.progress.started.append(draft)
                self.beside.last_number = draft.number
                reserved_again = (
                    draft.payment.reservation_id != reservation_id
                )  # which used a number of its own
                number = draft.number + (2 if reserved_again else 1)

    def _resume_all(self, repeated: list[VoucherOperation]) -> None:
        for position, group in enumerate(groups(repeated, lambda operation: operation.voucher_id)):
            if position:
                self.beside.send()
            self._read_ahead(group)
            for operation in group:
                self._attempt(self._resume, operation)
                self.progress.resumed.append(operation)

    def _read_ahead(self, drafts: list[VoucherOperation]) -> None:
        """Read at the same time what the operations need that are sent at once."""
        if len(drafts) > 1 and self.outbox is None and not in_transaction():
            read_ahead([(HANDLERS[draft.kind], draft) for draft in drafts])

    def _may_be_busy(self, draft: VoucherOperation) -> bool:
        return draft.voucher_id in self.busy or draft.payment.has_open_operation

    def _attempt(self, step: Callable[[VoucherOperation], None], operation: VoucherOperation) -> None:
        try:
            step(operation)
        except VoucherGatewayError as error:
            self.failures.append((operation, error))

    def _start(self, draft: VoucherOperation) -> None:
        try:
            draft.idempotency_key = self.key
            execute_new(self.handler, draft, outbox=self.outbox, together=self.beside, **self.payment_changes)
        except ConflictError:
            if is_busy(draft.voucher_id):
                self.busy.add(draft.voucher_id)
            raise

    def _repeated(self, payments: list[VoucherPayment]) -> list[VoucherOperation]:
        """Return the due operations of an earlier call that this call repeats."""
        pending = [payment for payment in payments if payment.has_open_operation]
        if not pending:
            return []
        kinds = GIVES_BACK if self.handler.kind in GIVES_BACK else (self.handler.kind,)
        due = VoucherOperation.current.filter(payment__in=pending, kind__in=kinds, state="due")
        operations = [each for each in due.select_related("payment") if each not in self.progress.operations]
        if self.asked is None:
            return operations
        return operations if self._repeats_charges(operations) else []

    def _repeats_charges(self, operations: list[VoucherOperation]) -> bool:
        """Return whether this call with an amount repeats the call that planned these charges. Not inside a
        transaction, nor with a key: there another call is another part."""
        if self.handler.kind != "charge" or self.progress.may_follow or self.key:
            return False
        is_keyed = any(operation.idempotency_key_id for operation in operations)
        return not is_keyed and self.asked == sum((operation.amount for operation in operations), ZERO)

    def _resume(self, operation: VoucherOperation) -> None:
        """Send a due operation. Inside a transaction do nothing: it is sent after the commit, or by ``settle``."""
        if self.outbox is not None:
            self.outbox.append((HANDLERS[operation.kind], operation))
        elif not transaction.get_connection(database()).in_atomic_block:
            self.beside.begin_written(HANDLERS[operation.kind], operation, was_left_due=True)

    def explain_partial(self, error: PaymentStateError) -> PaymentStateError:
        """Return ``error`` with the amount that went through before it."""
        tried = self.progress.operations
        booked = sum((operation.amount for operation in tried if operation.state == "succeeded"), ZERO)
        booked += self._booked_on_retry([operation for operation in tried if operation.state == "refused"])
        if not booked:
            return error
        partial = type(error)(f"{booked} went through before; the rest did not: {error}", code=error.code)
        partial.money_moved = "maybe"
        return partial

    def _booked_on_retry(self, refused: list[VoucherOperation]) -> Decimal:
        """Return the amount that went through in place of what was refused: charged on a new reservation, recharged."""
        payments = [operation.payment_id for operation in refused]
        since = min((operation.number for operation in refused), default=0)
        operations = VoucherOperation.current.filter(payment__in=payments, kind__in=("charge", "recharge"))
        booked = operations.filter(state="succeeded", number__gt=since)
        return sum(booked.values_list("amount", flat=True), ZERO)
