"""Beat three: the outcome of a call is recorded, and a clear "no" is verified before it is believed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import django.db
from django.utils import timezone

from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OperationInProgressError,
    OutcomeUnknownError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.operations.evidence import read_evidence
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.schedule import reread_at
from voucher_payment_gateway.gateway.operations.transitions import (
    StaleOperationError,
    begin_verifying,
    mark_unknown,
    require_review,
    return_to_due,
    succeed,
)
from voucher_payment_gateway.gateway.records.announce import request_review
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.reservation_ids import JSONAppend
from voucher_payment_gateway.rules.evidence import late_answer_needs_review

__all__ = [
    "NOT_READY",
    "is_booked",
    "outcome_must_be_written",
    "raise_unless_succeeded",
    "record_late_answer",
    "record_success",
    "record_unknown",
    "verify",
]

NOT_READY = (UnavailableError, CredentialsError, ContractError)
"""Errors before anything was sent; the operation stays due."""


def record_success(handler: OperationHandler, operation: VoucherOperation, remote_id: str) -> None:
    """Record the booking. Raises OutcomeUnknownError where another worker or operation has decided otherwise."""
    try:
        succeed(handler, operation, remote_id)
    except StaleOperationError:
        record_late_answer(operation, remote_id)
        if operation.state != "succeeded":
            raise OutcomeUnknownError(code="decided_elsewhere") from None
    except ConflictError:
        record_unknown(operation, OutcomeUnknownError(code="booking_known_already"))


def record_unknown(operation: VoucherOperation, error: VoucherGatewayError) -> NoReturn:
    mark_unknown(operation, error)
    raise OutcomeUnknownError(
        f"order {operation.order_number}: no clear answer to the {operation.kind} of "
        f"{with_code(operation.amount, operation.currency)}. The money may have moved; "
        "do not repeat it, it is being settled.",
        api_code=error.api_code,
        http_status=error.http_status,
    ) from None


def record_late_answer(operation: VoucherOperation, remote_id: str) -> None:
    """Store an answer that came after another worker had decided; request a review where the two differ."""
    answer = {"remote_id": remote_id, "at": timezone.now().isoformat()}
    row = VoucherOperation.current.filter(pk=operation.pk)
    row.update(late_answers=JSONAppend("late_answers", answer))
    operation.refresh_from_db()
    if late_answer_needs_review(state=operation.state, recorded_id=operation.remote_id, remote_id=remote_id):
        request_review(operation)


def is_booked(handler: OperationHandler, operation: VoucherOperation) -> bool:
    """Read the bookings once before a clear "no" is believed; return whether the operation is booked after all.

    An intermediary may have repeated the request and shown the answer to the repetition.
    """
    evidence = read_evidence(handler, operation)
    if evidence.verdict == "ambiguous":
        require_review(operation, "ambiguous_bookings")
        raise OutcomeUnknownError
    if evidence.verdict == "found":
        record_success(handler, operation, evidence.remote_id)
    return evidence.verdict == "found"


def verify(handler: OperationHandler, operation: VoucherOperation) -> bool:
    """Make up for the read that was not possible after a clear "no"; return whether the operation is to be sent."""
    if not begin_verifying(operation):
        raise_unless_succeeded(operation)
        return False
    try:
        if is_booked(handler, operation):
            return False
    except NOT_READY as error:
        return_to_due(operation, error, refused_at=timezone.now())
        raise
    return_to_due(operation, reread_at=reread_at(operation, booked=False))
    if operation.state != "due":  # another worker took it during the read
        raise_unless_succeeded(operation)
        return False
    return True


def raise_unless_succeeded(operation: VoucherOperation) -> None:
    """Raise OperationInProgressError where another worker was first and has not succeeded; this one sent nothing."""
    operation.refresh_from_db()
    if operation.state != "succeeded":
        raise OperationInProgressError(
            f"order {operation.order_number}: another worker carries out this {operation.kind} just now."
        )


@contextmanager
def outcome_must_be_written() -> Iterator[None]:
    """A database that fails now leaves the operation as sending: its outcome is unknown from here on."""
    try:
        yield
    except django.db.Error as error:
        raise OutcomeUnknownError(code="outcome_not_written") from error
