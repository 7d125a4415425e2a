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
from voucher_payment_gateway.gateway.holds.record import record_hold
from voucher_payment_gateway.gateway.holds.reserve import hold_exactly
from voucher_payment_gateway.gateway.operations.execute import resume
from voucher_payment_gateway.gateway.operations.handler import Procedure, of
from voucher_payment_gateway.gateway.operations.schedule import lease_seconds, next_try, reread_at
from voucher_payment_gateway.gateway.operations.transitions import (
    ask_for_review,
    book,
    hand_over,
    refuse,
    take,
)
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.conflicts import (
    OutdatedError,
    database,
    unless_outdated,
)
from voucher_payment_gateway.gateway.records.order_view import look
from voucher_payment_gateway.gateway.records.payments import change_payment
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.evidence import Evidence, charge_evidence, refund_evidence
from voucher_payment_gateway.rules.resolution import (
    Doubt,
    Fence,
    Figures,
    after_absence,
    after_certainty,
    death_of,
    is_dead,
    is_wanted,
    next_fence,
    standing,
)
from voucher_payment_gateway.sealing import unseal

__all__ = ["read_again", "resolve"]

SOON = timedelta(seconds=30)


def resolve(procedure: Procedure, operation: VoucherOperation) -> bool:
    """Take one step with an unknown operation; say whether its booking was found.

    Raises UnavailableError, CredentialsError or ContractError where the bookings cannot be read just now.
    """
    if not take(operation, due_at=timezone.now() + timedelta(seconds=lease_seconds())):
        return False
    # K16: taken by settle, nothing read
    read_at = timezone.now()
    try:
        evidence = evidence_of(operation)
    except (ContractError, CredentialsError) as error:
        _tell_once(operation, error)
        raise
    # K17: the bookings are read, nothing decided
    if evidence.verdict == "found":
        book(procedure, operation, evidence.remote_id)
        return True
    if evidence.verdict == "ambiguous":
        hand_over(operation, "ambiguous_bookings")
        return False
    _after_absence(procedure, operation, read_at)
    # K19: the step is written (a fence, an absence), the next one not begun
    return False


def _tell_once(operation: VoucherOperation, error: VoucherGatewayError) -> None:
    """Let a person hear that nothing can be decided while the voucher's bookings cannot be read."""
    if operation.error_code != error.code and take(
        operation, error_code=error.code, due_at=next_try(operation)
    ):
        ask_for_review(operation)


def read_again(operation: VoucherOperation) -> bool:
    """Look once more for what a repetition may have left behind; say whether a person has to look at it.

    Nothing before the call can keep a request from being doubled on its way: only a later read finds it.
    """
    waiting = VoucherOperation.objects.using(database()).filter(
        pk=operation.pk, reread_at=operation.reread_at
    )
    try:
        surplus = evidence_of(operation).verdict != "absent"
    except VoucherGatewayError:
        waiting.update(reread_at=next_try(operation))  # the others are not kept waiting
        raise
    # K17: the bookings are read, nothing decided
    if waiting.update(reread_at=None) and surplus:
        ask_for_review(operation)
        return True
    return False


def evidence_of(operation: VoucherOperation) -> Evidence:
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


def _after_absence(procedure: Procedure, operation: VoucherOperation, read_at: datetime) -> None:
    step = after_absence(_doubt(operation), read_at, _figures())
    match step.do:
        case "wait":
            take(operation, due_at=_at_the_latest(step.until, operation))
        case "note_absence":
            take(operation, absent_at=read_at, due_at=step.until)
        case "fence":
            _fence(operation)
        case "refused":
            _refuse(procedure, operation)
        case "not_booked":
            _repeat_or_end(procedure, operation)


def _at_the_latest(instant: datetime | None, operation: VoucherOperation) -> datetime:
    """Return when to read again: the booking may show before the instant from which its absence is certain."""
    soon = next_try(operation)
    return min(instant, soon) if instant is not None else soon


def _doubt(operation: VoucherOperation) -> Doubt:
    return Doubt(
        kind=operation.kind,
        sent_at=operation.sending_at or operation.created_at,
        fence_at=operation.fence_at,
        absent_at=operation.absent_at,
        refused_at=operation.refused_at,
    )


def _figures() -> Figures:
    settings = gateway_settings()
    return Figures(
        list_lag=timedelta(seconds=settings.LIST_LAG_SECONDS),
        refund_grace=timedelta(seconds=settings.REFUND_GRACE_SECONDS),
    )


def _fence(operation: VoucherOperation) -> None:
    """Have an instant after which no earlier request of this charge can land, and store it.

    Which one comes next and what its answer makes of it is decided by ``rules.fences``. One that is to be tried again
    raises what its call raised.
    """
    failed: list[Fence] = []
    while True:
        fence = next_fence(wanted=_is_wanted(operation), release_works=_release_works(), failed=failed)
        if fence == "death":
            _store_fence(operation, death_of(operation.target_dead_at, timezone.now()))
            return
        try:
            if _reserved_anew(operation) if fence == "reserve" else _released(operation):
                return
        except VoucherGatewayError:
            if not is_dead(operation.target_dead_at, timezone.now()):
                raise  # it is tried again as long as it may be needed
        failed.append(fence)


def _release_works() -> bool:
    return gateway_settings().API_BEHAVIOUR.cancel_reservation == "works"


def _released(operation: VoucherOperation) -> bool:
    """Cancel the old reservation and store the fence; say whether the Voucher Cloud confirmed it."""
    try:
        voucher_cloud().cancel_reservation(operation.target_id)
    except VoucherGatewayError as error:
        return _stands("release", error)
    with unless_outdated():
        change_payment(of(operation), reserved_until=None)
        if not _store_fence(operation, timezone.now()):
            raise OutdatedError
    return True


def _reserved_anew(operation: VoucherOperation) -> bool:
    """Reserve for this payment anew and store the fence with it; say whether the Voucher Cloud granted it."""
    payment = of(operation)
    secret = unseal(payment.sealed_code)
    if secret is None:
        return False
    try:
        hold = hold_exactly(secret, operation.amount, operation.currency, voucher_id=operation.voucher_id)
    except VoucherGatewayError as error:
        return _stands("reserve", error)
    number = look(operation.order_number).next_number
    with unless_outdated():
        record_hold(payment, hold, number)
        # K18: the fence's reservation is written, the fence is not
        if not _store_fence(operation, timezone.now()):
            raise OutdatedError
    return True


def _stands(fence: Literal["reserve", "release"], error: VoucherGatewayError) -> bool:
    if standing(fence, error) == "again":
        raise error
    return False


def _store_fence(operation: VoucherOperation, fence_at: datetime) -> bool:
    certain_at = fence_at + _figures().list_lag
    return take(operation, fence_at=fence_at, due_at=_at_the_latest(certain_at, operation))


def _is_wanted(operation: VoucherOperation) -> bool:
    """Whether the order still wants this; what is being cancelled is not charged again."""
    payment = of(operation)
    return is_wanted(
        operation.kind,
        cancelling=payment.cancel_requested_at is not None,
        has_code=bool(payment.sealed_code),
    )


def _repeat_or_end(procedure: Procedure, operation: VoucherOperation) -> None:
    """It is certain that nothing was booked: send it again, give it up, or hand it to a person."""
    now = timezone.now()
    match after_certainty(
        wanted=_is_wanted(operation),
        sends=operation.attempts,
        cancelling=of(operation).cancel_requested_at is not None,
    ):
        case "repeat":
            if take(operation, state="due", due_at=now + SOON):
                # K20: surely not booked and due, not sent again yet
                resume(procedure, operation)
        case "hand_over":
            hand_over(operation, "sent_too_often")
        case "give_up":
            reread = reread_at(operation, booked=False)
            take(operation, state="not_applied", error_code="cancelled", settled_at=now, reread_at=reread)
        case "refuse":
            _refuse(procedure, operation)


def _refuse(procedure: Procedure, operation: VoucherOperation) -> None:
    """The call failed for good, and that is certain now."""
    error = ReservationClosedError(
        f"order {operation.order_number}: the {operation.kind} was refused. No money moved."
    )
    follow_up = refuse(procedure, operation, error, reread_at=reread_at(operation, booked=False))
    if follow_up is not None:
        resume(procedure, follow_up)
