"""Resolving an unknown outcome: from the voucher's bookings, behind a fence or after a grace period.

The rules are in ``rules.resolution`` and ``rules.evidence``; here they are carried out, one step at a time. Each
step is written down under a new claim before the next one counts, so a crash costs a repetition, never money.
"""

from datetime import datetime, timedelta
from typing import Literal

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    ReservationClosedError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.holds.reserve import reserve_exactly
from voucher_payment_gateway.gateway.operations.execute import execute_due
from voucher_payment_gateway.gateway.operations.handler import OperationHandler, of
from voucher_payment_gateway.gateway.operations.reservation import record_hold
from voucher_payment_gateway.gateway.operations.schedule import lease_seconds, next_try, reread_at
from voucher_payment_gateway.gateway.operations.transitions import (
    compare_and_set,
    refuse,
    request_review,
    require_review,
    succeed,
)
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.conflicts import (
    ConflictError,
    atomic_or_conflict,
    database,
)
from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.records.payments import change_payment
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.evidence import Evidence, charge_evidence, refund_evidence
from voucher_payment_gateway.rules.resolution import (
    Fence,
    Tolerances,
    UnknownOperation,
    after_absence,
    after_proven_absence,
    expiry_of,
    is_dead,
    is_wanted,
    judge_fence,
    next_fence,
)
from voucher_payment_gateway.sealing import unseal

__all__ = ["read_again", "resolve"]

SOON = timedelta(seconds=30)


def resolve(procedure: OperationHandler, operation: VoucherOperation) -> bool:
    """Take one step with an unknown operation; say whether its booking was found.

    Raises UnavailableError, CredentialsError or ContractError where the bookings cannot be read just now.
    """
    if not compare_and_set(operation, due_at=timezone.now() + timedelta(seconds=lease_seconds())):
        return False
    # K16: taken by settle, nothing read
    read_at = timezone.now()
    try:
        evidence = read_evidence(operation)
    except (ContractError, CredentialsError) as error:
        _request_review_once(operation, error)
        raise
    # K17: the bookings are read, nothing decided
    if evidence.verdict == "found":
        succeed(procedure, operation, evidence.remote_id)
        return True
    if evidence.verdict == "ambiguous":
        require_review(operation, "ambiguous_bookings")
        return False
    _after_absence(procedure, operation, read_at)
    # K19: the step is written (a fence, an absence), the next one not begun
    return False


def _request_review_once(operation: VoucherOperation, error: VoucherGatewayError) -> None:
    """Let a person hear that nothing can be decided while the voucher's bookings cannot be read."""
    if operation.error_code != error.code and compare_and_set(
        operation, error_code=error.code, due_at=next_try(operation)
    ):
        request_review(operation)


def read_again(operation: VoucherOperation) -> bool:
    """Look once more for what a repetition may have left behind; say whether a person has to look at it.

    Nothing before the call can keep a request from being doubled on its way: only a later read finds it.
    """
    waiting = VoucherOperation.objects.using(database()).filter(
        pk=operation.pk, reread_at=operation.reread_at
    )
    try:
        surplus = read_evidence(operation).verdict != "absent"
    except VoucherGatewayError:
        waiting.update(reread_at=next_try(operation))  # the others are not kept waiting
        raise
    # K17: the bookings are read, nothing decided
    if waiting.update(reread_at=None) and surplus:
        request_review(operation)
        return True
    return False


def read_evidence(operation: VoucherOperation) -> Evidence:
    """Read the voucher's bookings, all pages, and say what those that are not in our records yet prove about
    ``operation``."""
    booked = VoucherOperation.objects.using(database()).filter(voucher_id=operation.voucher_id)
    ours = set(booked.exclude(remote_id="").values_list("remote_id", flat=True))
    rows = bookings_of(operation.voucher_id)
    if operation.kind == "charge":
        return charge_evidence(rows, reference=operation.reference, amount=operation.amount, ours=ours)
    charge = next((row for row in rows if row.id == operation.target_id), None)
    return refund_evidence(
        rows,
        amount=operation.amount,
        baseline=operation.baseline or (),
        ours=ours,
        reference=operation.reference,
        client_id=(charge and charge.client_id) or "",
    )


def _after_absence(procedure: OperationHandler, operation: VoucherOperation, read_at: datetime) -> None:
    step = after_absence(_unknown_operation(operation), read_at, _tolerances())
    match step.do:
        case "wait":
            compare_and_set(operation, due_at=_next_read_at(step.until, operation))
        case "note_absence":
            compare_and_set(operation, absent_at=read_at, due_at=step.until)
        case "fence":
            _establish_fence(operation)
        case "refused":
            _refuse(procedure, operation)
        case "not_booked":
            _repeat_or_end(procedure, operation)


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
    """Have an instant after which no earlier request of this charge can land, and store it.

    Which one comes next and what its answer makes of it is decided by ``rules.fences``. One that is to be tried again
    raises what its call raised.
    """
    failed: list[Fence] = []
    while True:
        fence = next_fence(wanted=_is_wanted(operation), release_works=_release_works(), failed=failed)
        if fence == "death":
            _store_fence(operation, expiry_of(operation.target_dead_at, timezone.now()))
            return
        try:
            if _fence_by_reserving(operation) if fence == "reserve" else _fence_by_releasing(operation):
                return
        except VoucherGatewayError:
            if not is_dead(operation.target_dead_at, timezone.now()):
                raise  # it is tried again as long as it may be needed
        failed.append(fence)


def _release_works() -> bool:
    return gateway_settings().API_BEHAVIOUR.cancel_reservation == "works"


def _fence_by_releasing(operation: VoucherOperation) -> bool:
    """Cancel the old reservation and store the fence; say whether the Voucher Cloud confirmed it."""
    try:
        voucher_cloud().cancel_reservation(operation.target_id)
    except VoucherGatewayError as error:
        return _confirms("release", error)
    with atomic_or_conflict():
        change_payment(of(operation), reserved_until=None)
        if not _store_fence(operation, timezone.now()):
            raise ConflictError
    return True


def _fence_by_reserving(operation: VoucherOperation) -> bool:
    """Reserve for this payment anew and store the fence with it; say whether the Voucher Cloud granted it."""
    payment = of(operation)
    secret = unseal(payment.sealed_code)
    if secret is None:
        return False
    try:
        hold = reserve_exactly(secret, operation.amount, operation.currency, voucher_id=operation.voucher_id)
    except VoucherGatewayError as error:
        return _confirms("reserve", error)
    number = read_order(operation.order_number).next_number
    with atomic_or_conflict():
        record_hold(payment, hold, number)
        # K18: the fence's reservation is written, the fence is not
        if not _store_fence(operation, timezone.now()):
            raise ConflictError
    return True


def _confirms(fence: Literal["reserve", "release"], error: VoucherGatewayError) -> bool:
    if judge_fence(fence, error) == "again":
        raise error
    return False


def _store_fence(operation: VoucherOperation, fence_at: datetime) -> bool:
    certain_at = fence_at + _tolerances().list_lag
    return compare_and_set(operation, fence_at=fence_at, due_at=_next_read_at(certain_at, operation))


def _is_wanted(operation: VoucherOperation) -> bool:
    """Whether the order still wants this; what is being cancelled is not charged again."""
    payment = of(operation)
    return is_wanted(
        operation.kind,
        cancelling=payment.cancel_requested_at is not None,
        has_code=bool(payment.sealed_code),
    )


def _repeat_or_end(procedure: OperationHandler, operation: VoucherOperation) -> None:
    """It is certain that nothing was booked: send it again, give it up, or hand it to a person."""
    now = timezone.now()
    match after_proven_absence(
        wanted=_is_wanted(operation),
        sends=operation.attempts,
        cancelling=of(operation).cancel_requested_at is not None,
    ):
        case "repeat":
            if compare_and_set(operation, state="due", due_at=now + SOON):
                # K20: surely not booked and due, not sent again yet
                execute_due(procedure, operation)
        case "hand_over":
            require_review(operation, "sent_too_often")
        case "give_up":
            reread = reread_at(operation, booked=False)
            compare_and_set(
                operation, state="not_applied", error_code="cancelled", settled_at=now, reread_at=reread
            )
        case "refuse":
            _refuse(procedure, operation)


def _refuse(procedure: OperationHandler, operation: VoucherOperation) -> None:
    """The call failed for good, and that is certain now."""
    error = ReservationClosedError(
        f"order {operation.order_number}: the {operation.kind} was refused. No money moved."
    )
    follow_up = refuse(procedure, operation, error, reread_at=reread_at(operation, booked=False))
    if follow_up is not None:
        execute_due(procedure, follow_up)
