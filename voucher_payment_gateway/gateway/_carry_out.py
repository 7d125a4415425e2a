"""Carrying out what a verb has planned, one operation after the other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction

from voucher_payment_gateway.exceptions import PaymentStateError, VoucherGatewayError
from voucher_payment_gateway.gateway._operations import resume, start
from voucher_payment_gateway.gateway._orders import OrderView, OutdatedError, database, decide, is_busy, look
from voucher_payment_gateway.gateway._procedure import Procedure, of
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO

__all__ = ["Done", "Plan", "carry_out"]


@dataclass
class Done:
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


Plan = Callable[[OrderView, Done, Decimal | None], list[VoucherOperation]]
"""Given the order as it stands, what this run has done, and how much is left to do (None: all there is), return
the operations that are to be started."""


def carry_out(
    procedure: Procedure,
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
    done = Done()
    errors: list[VoucherGatewayError] = []
    busy: set[str] = set()

    def attempt(step: Callable[[], object]) -> None:
        try:
            step()
        except VoucherGatewayError as error:
            errors.append(error)

    def go_on() -> None:
        view = look(order_number)
        for operation in _never_sent(procedure, view.part(pk), asked, done):
            attempt(lambda o=operation: _send_unless_committed_later(procedure, o))  # type: ignore[misc]
            done.resumed.append(operation)
        if done.operations:
            view = look(order_number)
        left = asked if asked is None else asked - done.amount
        if left is not None and left <= ZERO:
            return
        number = view.next_number
        for draft in plan(view, done, left):
            draft.number, draft.waits = number, draft.voucher_id in busy
            attempt(lambda d=draft: _start(procedure, d, busy, payment_changes or {}))  # type: ignore[misc]
            done.started.append(draft)
            number = draft.number + 1

    try:
        with _all_or_nothing():
            decide(go_on)
    except PaymentStateError as error:
        if errors:
            raise errors[0] from None
        raise _after_a_part(error, done) from None
    if errors:
        raise errors[0]
    return list({of(operation).pk: of(operation) for operation in done.operations}.values())


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """Inside of a transaction either all is written down to be carried out after its commit, or nothing."""
    if transaction.get_connection(database()).in_atomic_block:
        with transaction.atomic(using=database()):
            yield
    else:
        yield


def _start(
    procedure: Procedure, draft: VoucherOperation, busy: set[str], payment_changes: dict[str, Any]
) -> None:
    """Start what was planned. Where it collides with an open operation on its voucher, of whatever order, the voucher
    is ``busy``: planned anew, it waits."""
    try:
        start(procedure, draft, **payment_changes)
    except OutdatedError:
        if is_busy(draft.voucher_id):
            busy.add(draft.voucher_id)
        raise


def _never_sent(
    procedure: Procedure, payments: list[VoucherPayment], asked: Decimal | None, done: Done
) -> list[VoucherOperation]:
    """Return the operations that are due, where they are what is asked for."""
    waiting = [payment for payment in payments if payment.has_open_operation]
    if not waiting:
        return []
    due = VoucherOperation.objects.using(database()).filter(
        payment__in=waiting, kind=procedure.name, state="due"
    )
    operations = [
        operation for operation in due.select_related("payment") if operation not in done.operations
    ]
    same = asked == sum((operation.amount for operation in operations), ZERO) and procedure.name == "charge"
    return operations if asked is None or same else []


def _send_unless_committed_later(procedure: Procedure, operation: VoucherOperation) -> None:
    """Send what is due. Inside of a transaction it is left to the commit, or to ``settle``."""
    if not transaction.get_connection(database()).in_atomic_block:
        resume(procedure, operation)


def _after_a_part(error: PaymentStateError, done: Done) -> PaymentStateError:
    """Say what went through before the rest turned out to be impossible."""
    gone = sum((operation.amount for operation in done.operations if operation.state == "succeeded"), ZERO)
    if not gone:
        return error
    told = type(error)(f"{gone} went through before; the rest did not: {error}", code=error.code)
    told.money_moved = "maybe"
    return told
