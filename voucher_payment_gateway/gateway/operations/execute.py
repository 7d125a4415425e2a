"""The three beats of every call that can move money.

1. Write the operation down and commit.
2. Call, with no transaction open.
3. Write down the outcome, if the claim is still ours.

Inside of the caller's transaction beat one joins it, and beats two and three follow its commit; what a crash
leaves behind, ``settle`` finishes. Nothing else in the package moves money.

A comment that begins with K and a number is a crash point: a process may be killed before the next line. The table in
``docs/explanation/money-safety.md`` says what is known then, and ``tests/proofs/crash`` kills processes at each.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, NoReturn

import django.db
from django.db import transaction
from django.utils import timezone

from voucher_payment_gateway.api import send_before
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OperationInProgressError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.operations.handler import OperationHandler, of
from voucher_payment_gateway.gateway.operations.schedule import (
    SEND_WINDOW_SECONDS,
    next_send,
    next_try,
    reread_if_sent,
)
from voucher_payment_gateway.gateway.operations.transitions import (
    StaleOperationError,
    compare_and_set,
    create,
    record_late_answer,
    refuse,
    request_review,
    require_review,
    succeed,
    unblock,
    withdraw,
)
from voucher_payment_gateway.gateway.records.conflicts import (
    ConflictError,
    database,
    in_transaction,
    retry_on_conflict,
)
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.verdicts import forbidden_since, needs_review_by, verdict

__all__ = ["NOT_READY", "execute_due", "execute_new"]

logger = logging.getLogger("voucher_payment_gateway")

ALARMING = ("answer_not_ours", "booking_known_already")
"""A clear answer that cannot be ours."""

NOT_READY = (UnavailableError, CredentialsError, ContractError)
"""What may go wrong before anything is sent; the operation stays due."""


def execute_new(procedure: OperationHandler, draft: VoucherOperation, **payment_changes: Any) -> None:
    """Write down ``draft`` together with what it changes on its payment, and carry it out.

    Inside of a transaction it is carried out after the commit, and one that ``waits`` is left to ``settle`` while
    another one is open on its voucher. Raises what the call raised: after RefusedError it is over, after
    UnavailableError, CredentialsError and ContractError it stays due and ``settle`` sends it, after OutcomeUnknownError
    ``settle`` finds out. Raises OutdatedError where another operation was first.
    """
    # K4: decided, nothing written
    if in_transaction():
        _write_due(draft, payment_changes)
        _execute_after_commit(procedure, draft)
        return
    if draft.waits:
        _write_due(draft, payment_changes)
        raise _queued_error(draft)
    if procedure.needs_a_claim(draft):
        _write_due(draft, payment_changes)
        _execute_written(procedure, draft)
        return
    try:
        procedure.prepare(draft)
        voucher_cloud().authenticate()
    except NOT_READY as error:
        draft.forbidden_at = forbidden_since(error, None, timezone.now())
        _write_due(draft, payment_changes, error_code=error.code)
        _page_operator(draft, error)
        raise
    # K5: prepared, not called sending yet
    claimed_at = monotonic()
    create(draft, "sending", attempts=1, sending_at=timezone.now(), payment_changes=payment_changes)
    _send(procedure, draft, claimed_at)


def execute_due(procedure: OperationHandler, operation: VoucherOperation) -> None:
    """Carry out an operation that is due; one that is decided is left alone.

    Raises what ``start`` raises, OperationInProgressError where another worker was first and is not done, and
    WrongStateError where nobody wants it any more: it is taken back then.
    """
    if operation.state != "due":
        return
    if procedure.is_unwanted(operation):
        if not withdraw(operation):
            _refuse_unless_done(operation)
            return
        raise WrongStateError(
            f"order {operation.order_number}: the gift voucher is being cancelled. Nothing was sent."
        )
    if operation.waits and not unblock(operation):
        compare_and_set(operation, due_at=next_try(operation))
        raise _queued_error(operation)
    if procedure.needs_a_claim(operation) and not compare_and_set(
        operation, state="sending", sending_at=timezone.now()
    ):
        _refuse_unless_done(operation)
        return
    try:
        procedure.prepare(operation)
        voucher_cloud().authenticate()
    except ConflictError:
        compare_and_set(operation, state="due")
        raise
    except NOT_READY as error:
        return_to_due(operation, error)
        raise
    except RefusedError as error:
        _refused(procedure, operation, error, reread_at=reread_if_sent(operation))
        return
    # K5: prepared, not called sending yet
    claimed_at = monotonic()
    sending = {"state": "sending", "attempts": operation.attempts + 1, "sending_at": timezone.now()}
    prepared = {name: getattr(operation, name) for name in ("target_id", "target_dead_at", "baseline")}
    nothing_known = {"fence_at": None, "absent_at": None, "refused_at": None}
    if compare_and_set(operation, **sending, **prepared, **nothing_known):
        _send(procedure, operation, claimed_at)
    else:
        _refuse_unless_done(operation)


def _write_due(draft: VoucherOperation, payment_changes: Mapping[str, Any], **fields: Any) -> None:
    create(draft, "due", due_at=next_try(draft), payment_changes=payment_changes, **fields)


def _queued_error(operation: VoucherOperation) -> UnavailableError:
    return UnavailableError(
        f"order {operation.order_number}: another operation on its gift voucher is not finished. This "
        f"{operation.kind} is written down and follows it. No money moved.",
        code="voucher_busy",
    )


def _refuse_unless_done(operation: VoucherOperation) -> None:
    """Raise OperationInProgressError where another worker was first and is not done; nothing of ours was sent."""
    operation.refresh_from_db(using=database())
    if operation.state != "succeeded":
        raise OperationInProgressError(
            f"order {operation.order_number}: another worker carries out this {operation.kind} just now."
        )


def _execute_written(procedure: OperationHandler, operation: VoucherOperation) -> None:
    """Carry out what this call has written down, anew as long as others write about the order meanwhile."""

    def resume_as_it_stands() -> None:
        of(operation).refresh_from_db(using=database())
        execute_due(procedure, operation)

    retry_on_conflict(resume_as_it_stands)


def _send(procedure: OperationHandler, operation: VoucherOperation, claimed_at: float) -> None:
    """Beats two and three."""
    try:
        # K7: sending is committed, nothing sent; and inside of the call K8: sent, no answer yet
        with send_before(claimed_at + SEND_WINDOW_SECONDS):
            remote_id = procedure.call(operation)
    except VoucherGatewayError as error:
        with _outcome_must_be_written():
            _not_booked(procedure, operation, error)
        return
    try:
        # K9: the call has ended, nothing of its outcome written
        with _outcome_must_be_written():
            succeed(procedure, operation, remote_id)
    except StaleOperationError:
        record_late_answer(operation, remote_id)
        if operation.state != "succeeded":
            raise OutcomeUnknownError(code="decided_elsewhere") from None
    except ConflictError:
        mark_unknown(operation, OutcomeUnknownError(code="booking_known_already"))


def _not_booked(procedure: OperationHandler, operation: VoucherOperation, error: VoucherGatewayError) -> None:
    # K9: the call has ended, nothing of its outcome written
    match verdict(error, repeated=operation.attempts > 1):
        case "refused":
            _refused(procedure, operation, error)
        case "not_applied":
            arrived = operation.attempts - 1  # counts the calls that may have arrived
            return_to_due(operation, error, attempts=arrived)
            raise error
        case "unknown":
            mark_unknown(operation, error)


def return_to_due(operation: VoucherOperation, error: VoucherGatewayError, **changes: Any) -> None:
    """Nothing moved: it is sent later, or, where the API has forbidden it for a day, a person decides."""
    now, known = timezone.now(), operation.error_code
    changes["forbidden_at"] = forbidden_since(error, operation.forbidden_at, now)
    if needs_review_by(changes["forbidden_at"], now):
        require_review(operation, "forbidden", **changes)
        return
    due = {"state": "due", "error_code": error.code, "due_at": next_send(operation, error)}
    if compare_and_set(operation, **due, **changes) and known != error.code:
        _page_operator(operation, error)


def _refused(
    procedure: OperationHandler, operation: VoucherOperation, error: VoucherGatewayError, **changes: Any
) -> None:
    """Write down that it is over, and go on with what follows, or raise ``error``."""
    try:
        follow_up = refuse(procedure, operation, error, **changes)
    except StaleOperationError:
        raise OutcomeUnknownError(code="decided_elsewhere") from None
    if follow_up is None:
        raise error
    # K13: refused, and what follows is due
    _execute_written(procedure, follow_up)


def mark_unknown(operation: VoucherOperation, error: VoucherGatewayError) -> NoReturn:
    """Write down that nobody knows; where a clear answer cannot be ours, a person is told."""
    refused_at = timezone.now() if isinstance(error, RefusedError) else None
    changes = {"error_code": error.code, "refused_at": refused_at, "due_at": next_try(operation)}
    if compare_and_set(operation, state="unknown", **changes) and error.code in ALARMING:
        request_review(operation)
    raise OutcomeUnknownError(
        f"order {operation.order_number}: no clear answer to the {operation.kind} of {operation.amount} "
        f"{operation.currency}. The money may have moved; do not repeat it, it is being settled.",
        api_code=error.api_code,
        http_status=error.http_status,
    ) from None


def _page_operator(operation: VoucherOperation, error: VoucherGatewayError) -> None:
    if isinstance(error, CredentialsError):
        operation.error_code = error.code
        request_review(operation)


def _execute_after_commit(procedure: OperationHandler, operation: VoucherOperation) -> None:
    """Carry out what the caller's transaction commits; nobody is left then to be told of an error."""

    def carry_out() -> None:
        try:
            # K15: the caller's transaction is committed, nothing sent
            _execute_written(procedure, operation)
        except (VoucherGatewayError, ConflictError, django.db.Error) as error:
            reason = getattr(error, "code", type(error).__name__)
            logger.warning(
                "order %s: %s of a gift voucher: %s", of(operation).order_number, operation.kind, reason
            )

    # K14: written, but the caller's transaction is not committed
    transaction.on_commit(carry_out, using=database(), robust=True)


@contextmanager
def _outcome_must_be_written() -> Iterator[None]:
    """A database that fails now leaves the operation as sending: its outcome is unknown from here on."""
    try:
        yield
    except django.db.Error as error:
        raise OutcomeUnknownError(code="outcome_not_written") from error
