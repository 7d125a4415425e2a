"""Resolve an unknown outcome: from the voucher's bookings, behind a fence or after a grace period.

``rules.resolution`` decides and ``rules.evidence`` reads the bookings; here their decisions are carried out, one step
at a time. Each step is written before the next one counts, so a crash costs a repetition, never money.
"""

from datetime import datetime, timedelta
from typing import Literal

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    RefusedError,
    ReservationClosedError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.holds.control import is_elsewhere
from voucher_payment_gateway.gateway.holds.reserve import reserve_exactly
from voucher_payment_gateway.gateway.operations.evidence import read_evidence
from voucher_payment_gateway.gateway.operations.execute import execute_due
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.outcome import review_evidence
from voucher_payment_gateway.gateway.operations.registry import HANDLERS
from voucher_payment_gateway.gateway.operations.reservation import record_hold
from voucher_payment_gateway.gateway.operations.schedule import lease_seconds, next_try, reread_at
from voucher_payment_gateway.gateway.operations.transitions import (
    give_up,
    note_absence,
    note_error,
    note_fence,
    postpone,
    refuse,
    repeat,
    require_review,
    succeed,
)
from voucher_payment_gateway.gateway.records.announce import request_review
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, atomic_or_conflict
from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.records.payments import change_payment
from voucher_payment_gateway.gateway.records.vouchers import is_gone
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.resolution import (
    Fence,
    Tolerances,
    UnknownOperation,
    after_absence,
    after_proven_absence,
    expiry_of,
    is_expired,
    is_unreadable_too_long,
    is_wanted,
    judge_fence,
    next_fence,
)
from voucher_payment_gateway.sealing import unseal

__all__ = ["lease_rereading", "read_again", "resolve"]

SOON = timedelta(seconds=30)


def resolve(handler: OperationHandler, operation: VoucherOperation) -> bool:
    """Take one step with an unknown operation; return whether its booking was found.

    Raises UnavailableError, CredentialsError or ContractError where the bookings cannot be read just now. Where they
    can never be read again, since the voucher is gone for a day, a review is required (``voucher_gone``).
    """
    if not postpone(operation, timezone.now() + timedelta(seconds=lease_seconds())):
        return False
    # K16: leased by settle, nothing read
    read_at = timezone.now()
    try:
        evidence = read_evidence(handler, operation)
    except (ContractError, CredentialsError) as error:
        if _is_gone_for_good(operation):
            require_review(operation, "voucher_gone")
            return False
        _request_review_once(operation, error)
        raise
    # K17: the bookings are read, nothing decided
    if evidence.verdict == "found":
        succeed(handler, operation, evidence.remote_id)
        return True
    if evidence.verdict != "absent":
        review_evidence(operation, evidence)
        return False
    _after_absence(handler, operation, read_at)
    # K19: the step is written (a fence, an absence), the next one not begun
    return False


def _is_gone_for_good(operation: VoucherOperation) -> bool:
    """Return whether the bookings of the voucher, which could not be read just now, can never be read again."""
    since = operation.settled_at or operation.sending_at or operation.created_at
    if not is_unreadable_too_long(since, timezone.now()):
        return False
    return is_gone(operation.voucher_id, operation.account) and not is_elsewhere(operation.account)


def _request_review_once(operation: VoucherOperation, error: VoucherGatewayError) -> None:
    """Request a review once while the voucher's bookings are unreadable."""
    if operation.error_code != error.code and note_error(operation, error):
        request_review(operation)


def lease_rereading(operation: VoucherOperation) -> bool:
    """Lease the trailing read of an operation; return whether no other worker was first."""
    as_read = VoucherOperation.current.filter(pk=operation.pk, reread_at=operation.reread_at)
    operation.reread_at = timezone.now() + timedelta(seconds=lease_seconds())
    return bool(as_read.update(reread_at=operation.reread_at) == 1)


def read_again(handler: OperationHandler, operation: VoucherOperation) -> bool:
    """The trailing read: read the evidence once more; return whether there is a surplus, so a review is requested.

    Nothing before the call can keep a request from being doubled on its way: only a later read finds it. Where the
    evidence cannot be read it is tried again, for a day where the voucher is gone.
    """
    row = VoucherOperation.current.filter(pk=operation.pk, reread_at=operation.reread_at)
    if handler.is_recorded(operation):
        row.update(reread_at=None)
        return False
    try:
        surplus = read_evidence(handler, operation).verdict not in ("absent", "foreign")
    except VoucherGatewayError:
        again_at = None if _is_gone_for_good(operation) else next_try(operation)
        row.update(reread_at=again_at)  # the operations behind it are not kept waiting
        raise
    # K17: the bookings are read, nothing decided
    if row.update(reread_at=None) and surplus:
        request_review(operation)
        return True
    return False


def _after_absence(handler: OperationHandler, operation: VoucherOperation, read_at: datetime) -> None:
    decision = after_absence(_unknown_operation(operation), read_at, _tolerances())
    match decision.action:
        case "wait":
            postpone(operation, _next_read_at(decision.until, operation))
        case "note_absence":
            note_absence(operation, read_at, decision.until)
        case "fence":
            _establish_fence(operation)
        case "refused":
            _refuse(handler, operation)
        case "not_booked":
            _repeat_or_end(handler, operation)


def _next_read_at(instant: datetime | None, operation: VoucherOperation) -> datetime:
    """Return when to read again: the booking may show before the instant from which its absence is certain."""
    soon = next_try(operation)
    return min(instant, soon) if instant is not None else soon


def _unknown_operation(operation: VoucherOperation) -> UnknownOperation:
    return UnknownOperation(
        kind=operation.kind,
        sent_at=operation.sending_at or operation.created_at,
        fence_at=operation.fence_at,
        absent_at=operation.absent_at,
        refused_at=operation.refused_at,
    )


def _tolerances() -> Tolerances:
    settings = gateway_settings()
    return Tolerances(
        list_lag=timedelta(seconds=settings.LIST_LAG_SECONDS),
        refund_grace=timedelta(seconds=settings.REFUND_GRACE_SECONDS),
    )


def _establish_fence(operation: VoucherOperation) -> None:
    """Store a fence: an instant after which no earlier request of this charge can be booked.

    ``rules.resolution`` decides which fence is tried next and whether its answer confirms it. The error of a call that
    is to be tried again is raised.
    """
    failed: list[Fence] = []
    while True:
        fence = next_fence(wanted=_is_wanted(operation), release_works=_release_works(), failed=failed)
        if fence == "expiry":
            _store_fence(operation, expiry_of(operation.target_dead_at, timezone.now()))
            return
        try:
            if _fence_by_reserving(operation) if fence == "reserve" else _fence_by_releasing(operation):
                return
        except VoucherGatewayError:
            if not is_expired(operation.target_dead_at, timezone.now()):
                raise  # it is tried again by the next run, until the reservation expires
        failed.append(fence)


def _release_works() -> bool:
    settings = gateway_settings()
    return settings.CANCEL_RESERVATION_CALL and settings.API_BEHAVIOUR.cancel_reservation == "works"


def _fence_by_releasing(operation: VoucherOperation) -> bool:
    """Fence F3: cancel the old reservation and store the fence; return whether the Voucher Cloud confirmed it."""
    try:
        voucher_cloud(operation.account).cancel_reservation(operation.target_id)
    except VoucherGatewayError as error:
        _raise_for_retry("release", error)
        return False
    with atomic_or_conflict():
        change_payment(operation.payment, reserved_until=None)
        if not _store_fence(operation, timezone.now()):
            raise ConflictError
    return True


def _fence_by_reserving(operation: VoucherOperation) -> bool:
    """Fence F1: reserve again for this payment and store the fence; return whether the Voucher Cloud granted it."""
    payment = operation.payment
    secret = unseal(payment.sealed_code)
    if secret is None:
        return False
    try:
        hold = reserve_exactly(
            *(secret, operation.amount, operation.currency),
            account=operation.account,
            voucher_id=operation.voucher_id,
        )
    except VoucherGatewayError as error:
        _raise_for_retry("reserve", error)
        return False
    number = read_order(operation.order_number).next_number
    with atomic_or_conflict():
        record_hold(payment, hold, number)
        # K18: the fence's reservation is written, the fence is not
        if not _store_fence(operation, timezone.now()):
            raise ConflictError
    return True


def _raise_for_retry(fence: Literal["reserve", "release"], error: VoucherGatewayError) -> None:
    """Raise ``error`` where the fence is to be tried again; return where it failed."""
    if judge_fence(fence, error) == "retry":
        raise error


def _store_fence(operation: VoucherOperation, fence_at: datetime) -> bool:
    certain_at = fence_at + _tolerances().list_lag
    return note_fence(operation, fence_at, _next_read_at(certain_at, operation))


def _is_wanted(operation: VoucherOperation) -> bool:
    """Return whether the operation is still wanted; a payment that is being cancelled is not charged again."""
    return is_wanted(
        operation.kind, cancelling=_is_cancelling(operation), has_code=bool(operation.subject.sealed_code)
    )


def _is_cancelling(operation: VoucherOperation) -> bool:
    return operation.sale is None and operation.payment.cancel_requested_at is not None


def _repeat_or_end(handler: OperationHandler, operation: VoucherOperation) -> None:
    """Certainly nothing was booked: send it again, give it up, end it as refused, or require a review."""
    match after_proven_absence(
        operation.kind,
        wanted=_is_wanted(operation),
        sends=operation.attempts,
        cancelling=_is_cancelling(operation),
    ):
        case "repeat":
            if repeat(operation, timezone.now() + SOON):
                # K20: certainly not booked and due, not sent again yet
                execute_due(handler, operation, is_read=True)
        case "require_review":
            require_review(operation, "sent_too_often")
        case "give_up":
            give_up(operation)
        case "refuse":
            _refuse(handler, operation)


def _refuse(handler: OperationHandler, operation: VoucherOperation) -> None:
    """End the operation as refused: certainly nothing was booked. Carry out the operation that follows, if any."""
    kind = ReservationClosedError if operation.kind == "charge" else RefusedError
    text = f"order {operation.order_number}: the {operation.kind} was refused. No money moved."
    error = kind(text, code="voucher_gone" if operation.error_code == "voucher_gone" else "")
    reread = reread_at(operation, booked=False)
    next_operation = refuse(handler, operation, error, reread_at=reread)
    if next_operation is not None:
        execute_due(HANDLERS[next_operation.kind], next_operation, is_read=True)
