"""The three beats of every call that can move money.

1. Write the operation down and commit.
2. Call, with no transaction open.
3. Write down the outcome, if no other worker changed the operation meanwhile.

Inside the caller's transaction beat one joins it, and beats two and three follow its commit; ``settle`` finishes what
a crash leaves behind. Nothing else in the package moves money.

A comment that begins with K and a number is a crash point: a process may be killed before the next line. The table in
``docs/explanation/proofs.md`` says what is known then, and ``tests/proofs/crash`` kills processes at each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.alerts import alert
from voucher_payment_gateway.api import send_before
from voucher_payment_gateway.api.limits import through_open_circuit
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.operations.handler import OperationHandler, RefundedElsewhereError
from voucher_payment_gateway.gateway.operations.outcome import (
    NOT_READY,
    is_booked,
    outcome_must_be_written,
    raise_unless_succeeded,
    record_success,
    record_unknown,
    review_refund,
)
from voucher_payment_gateway.gateway.operations.readiness import is_ready
from voucher_payment_gateway.gateway.operations.registry import HANDLERS
from voucher_payment_gateway.gateway.operations.schedule import (
    SEND_WINDOW_SECONDS,
    next_try,
    reread_at,
    reread_if_sent,
)
from voucher_payment_gateway.gateway.operations.transitions import (
    StaleOperationError,
    begin_preparing,
    begin_sending,
    create,
    refuse,
    return_to_due,
)
from voucher_payment_gateway.gateway.records.announce import request_review
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, retry_on_conflict
from voucher_payment_gateway.gateway.records.instance import refuse_other_instance
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.verdicts import forbidden_since, verdict, was_answered

__all__ = [
    "NOT_READY",
    "Sending",
    "begin_due",
    "begin_new",
    "call",
    "conclude",
    "create_due",
    "execute_due",
    "execute_written",
]


@dataclass(frozen=True)
class Sending:
    """An operation that is committed as sending, and not sent yet."""

    handler: OperationHandler
    operation: VoucherOperation
    claimed_at: float
    """An instant of the monotonic clock, before that commit: it is sent within ``SEND_WINDOW_SECONDS`` or not at
    all."""


def begin_new(
    handler: OperationHandler, draft: VoucherOperation, subject_changes: Mapping[str, Any]
) -> Sending | None:
    """Prepare before anything is written, which saves a write; then beat one. None where it is left to a person."""
    try:
        refuse_other_instance()
        handler.prepare(draft)
        voucher_cloud(draft.account).authenticate()
    except NOT_READY as error:
        draft.forbidden_at = forbidden_since(error, None, timezone.now())
        create_due(draft, subject_changes, error_code=error.code)
        alert(error, draft.order_number, draft.account)
        if isinstance(error, CredentialsError):
            request_review(draft)
        raise
    except RefundedElsewhereError:
        create_due(draft, subject_changes)
        review_refund(draft)
        return None
    # K5: prepared, not set to sending yet
    claimed_at = monotonic()
    create(draft, "sending", attempts=1, sending_at=timezone.now(), subject_changes=subject_changes)
    # K7: sending is committed, nothing sent; and inside of the call K8: sent, no answer yet
    return Sending(handler, draft, claimed_at)


def execute_due(
    handler: OperationHandler,
    operation: VoucherOperation,
    *,
    is_read: bool = False,
    was_left_due: bool = False,
) -> None:
    """Carry out an operation that is due; any other is left alone. What was not planned a moment ago is planned again
    first, by the order as it is committed now: another amount is another operation, or none.

    ``is_read``: the voucher's bookings were read just now, and none is missing in our records. ``was_left_due``: by an
    earlier call, so another database may have carried it out; they are read before the voucher is reserved again.

    Raises the errors of ``execute_new``, OperationInProgressError where another worker was first and is not done,
    WrongStateError where the payment is being cancelled, PaymentStateError where the order cannot be read.
    """
    sending = begin_due(handler, operation, is_read=is_read, was_left_due=was_left_due)
    if sending is not None:
        conclude(sending, call(sending))


def begin_due(
    handler: OperationHandler,
    operation: VoucherOperation,
    *,
    is_read: bool = False,
    was_left_due: bool = False,
    before_calls: Callable[[], None] = lambda: None,
) -> Sending | None:
    """Beat one of ``execute_due``; None where nothing is to be sent. ``before_calls`` is called before the calls that
    come first: others that wait to be sent must not wait for them."""
    if operation.state != "due":
        return None
    refuse_other_instance()
    if operation.is_unverified:
        before_calls()
    if not is_ready(handler, operation):
        return None
    replanned = operation if operation.is_as_planned else handler.replanned(operation)
    if replanned is None:
        return None
    operation = replanned
    reserves_first = handler.reserves_first(operation)
    if reserves_first or (handler.reads_ahead(operation) and operation.bookings is None):
        before_calls()
    if reserves_first and not begin_preparing(operation):
        raise_unless_succeeded(operation)
        return None
    is_to_be_read = not is_read and handler.reads_before_reserving(operation, was_left_due=was_left_due)
    if not _prepare(handler, operation, reads_first=reserves_first and is_to_be_read):
        return None
    # K5: prepared, not set to sending yet
    claimed_at = monotonic()
    if not begin_sending(operation):
        raise_unless_succeeded(operation)
        return None
    # K7: sending is committed, nothing sent
    return Sending(handler, operation, claimed_at)


def _prepare(handler: OperationHandler, operation: VoucherOperation, *, reads_first: bool) -> bool:
    """Prepare a due operation; return whether it is to be sent. Raises why it stays due, or is left to a person."""
    try:
        if reads_first and is_booked(handler, operation, may_have_arrived=operation.attempts > 0):
            return False
        handler.prepare(operation)
        voucher_cloud(operation.account).authenticate()
    except ConflictError:
        return_to_due(operation)
        raise
    except NOT_READY as error:
        return_to_due(operation, error)
        alert(error, operation.order_number, operation.account)
        raise
    except RefusedError as error:
        _record_refusal(handler, operation, error, reread_at=reread_if_sent(operation))
        return False
    except RefundedElsewhereError:
        review_refund(operation)
        return False
    return True


def create_due(draft: VoucherOperation, subject_changes: Mapping[str, Any], **fields: Any) -> None:
    create(draft, "due", due_at=next_try(draft), subject_changes=subject_changes, **fields)


def execute_written(handler: OperationHandler, operation: VoucherOperation, *, is_read: bool = False) -> None:
    """Carry out an operation that this call has written, and retry while other writers change the order."""

    def execute_as_it_stands() -> None:
        operation.subject.refresh_from_db()
        execute_due(handler, operation, is_read=is_read)

    retry_on_conflict(execute_as_it_stands)


def call(sending: Sending) -> str | VoucherGatewayError:
    """Beat two: return the remote id of the booking, or the error. It reads and writes no row, so that several
    operations may be sent at the same time, each in a thread."""
    try:
        with send_before(sending.claimed_at + SEND_WINDOW_SECONDS):
            return sending.handler.call(sending.operation)
    except VoucherGatewayError as error:
        return error


def conclude(sending: Sending, answer: str | VoucherGatewayError) -> None:
    """Beat three, by the thread that began the operation. Raises what ``_record_error`` raises."""
    handler, operation = sending.handler, sending.operation
    # K9: the call has ended, nothing of its outcome written
    with outcome_must_be_written():
        if isinstance(answer, VoucherGatewayError):
            _record_error(handler, operation, answer)
        else:
            record_success(handler, operation, answer)


def _record_error(handler: OperationHandler, operation: VoucherOperation, error: VoucherGatewayError) -> None:
    """Record what ``error`` proves about the call, then tell the operator. Raises an error, unless another operation
    follows."""
    try:
        _write_error(handler, operation, error)
    finally:
        alert(error, operation.order_number, operation.account)


def _write_error(handler: OperationHandler, operation: VoucherOperation, error: VoucherGatewayError) -> None:
    outcome, checked = verdict(error, repeated=operation.attempts > 1), {}
    if outcome != "unknown" and handler.verifies_refusal_of(operation) and was_answered(error):
        try:
            with through_open_circuit():
                is_done = is_booked(handler, operation)
            if is_done:
                return
            checked = {"reread_at": reread_at(operation, booked=False)}
        except NOT_READY:
            checked = {"refused_at": timezone.now()}
            outcome = "unknown" if outcome == "refused" else outcome
    match outcome:
        case "refused":
            _record_refusal(handler, operation, error, **checked)
        case "not_applied":
            arrived = operation.attempts - 1  # counts the calls that may have arrived
            return_to_due(operation, error, attempts=arrived, **checked)
            raise error
        case "unknown":
            record_unknown(operation, error)


def _record_refusal(
    handler: OperationHandler, operation: VoucherOperation, error: VoucherGatewayError, **changes: Any
) -> None:
    """Record the refusal, and carry out the operation that follows; raise ``error`` where none does."""
    try:
        next_operation = refuse(handler, operation, error, **changes)
    except StaleOperationError:
        raise OutcomeUnknownError(code="decided_elsewhere") from None
    if next_operation is None:
        raise error
    next_operation.is_as_planned = operation.is_as_planned
    # K13: refused, and what follows is due
    execute_written(HANDLERS[next_operation.kind], next_operation, is_read=True)
