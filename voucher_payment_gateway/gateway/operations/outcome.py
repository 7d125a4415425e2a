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
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.reservation_ids import JSONAppend
from voucher_payment_gateway.rules.evidence import Evidence, late_answer_needs_review

__all__ = [
    "NOT_READY",
    "is_booked",
    "outcome_must_be_written",
    "raise_unless_succeeded",
    "record_late_answer",
    "record_success",
    "record_unknown",
    "review_evidence",
    "review_refund",
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


def is_booked(
    handler: OperationHandler, operation: VoucherOperation, *, may_have_arrived: bool = True
) -> bool:
    """Read the bookings once; return whether the operation is booked after all.

    Before a clear "no" is believed: an intermediary may have repeated the request and shown the answer to the
    repetition. Before an ended reservation is made again: another database may have charged the order. Where a person
    must decide, raises OutcomeUnknownError: the operation is ``manual``, nothing more is sent.
    """
    evidence = read_evidence(handler, operation, may_have_arrived=may_have_arrived)
    if evidence.verdict == "found":
        record_success(handler, operation, evidence.remote_id)
        return True
    if evidence.verdict != "absent":
        review_evidence(operation, evidence)
        raise _undecided(operation, evidence)
    return False


def _undecided(operation: VoucherOperation, evidence: Evidence) -> OutcomeUnknownError:
    if evidence.verdict != "elsewhere":
        return OutcomeUnknownError()
    return OutcomeUnknownError(
        f"order {operation.order_number}: it is charged by a booking that our records do not have. Do not repeat it: "
        "a person must decide.",
        code="charged_elsewhere",
    )


def review_evidence(operation: VoucherOperation, evidence: Evidence) -> None:
    """Leave the operation to a person: several bookings may be it, another database has charged its order, or another
    voucher has its id."""
    if evidence.verdict == "ambiguous":
        require_review(operation, "ambiguous_bookings")
        return
    if evidence.verdict == "foreign":
        require_review(operation, "voucher_not_ours")
        return
    PaymentEvents.charged_elsewhere.log(
        ", ".join(evidence.elsewhere),
        order_number=operation.order_number,
        operation=operation.pk,
        account=operation.account,
        booking_ids=list(evidence.elsewhere),
    )
    require_review(operation, "charged_elsewhere", baseline=list(evidence.elsewhere))


def review_refund(operation: VoucherOperation) -> None:
    """Leave a refund to a person: its charge went back already, in full or in part, without our records knowing it.

    Raises OutcomeUnknownError; OperationInProgressError where another worker is making this very refund just now.
    """
    if not require_review(operation, "refunded_elsewhere", baseline=operation.baseline):
        raise_unless_succeeded(operation)
        return
    PaymentEvents.refunded_elsewhere.log(
        order_number=operation.order_number, operation=operation.pk, account=operation.account
    )
    raise OutcomeUnknownError(
        f"order {operation.order_number}: its charge went back already, by a refund that our records do not have. Do "
        "not repeat it: a person must decide.",
        code="refunded_elsewhere",
    )


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
