"""Writing operations: each change under a new claim, together with what it changes on the payment.

Whoever read an operation may change it only while its claim is the one that was read; every change raises it. So a
worker that slept through its lease, or a sweep with an old list, changes nothing any more.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import IntegrityError
from django.utils import timezone

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.operations.handler import OperationHandler, of
from voucher_payment_gateway.gateway.operations.schedule import next_try, reread_at, reread_if_sent
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.conflicts import (
    MAX_CONFLICTS,
    ConflictError,
    atomic_or_conflict,
    database,
)
from voucher_payment_gateway.gateway.records.payments import change_payment
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.models.reservation_ids import JSONAppend
from voucher_payment_gateway.rules.evidence import needs_review
from voucher_payment_gateway.signals import payment_needs_review

__all__ = [
    "StaleOperationError",
    "compare_and_set",
    "create",
    "record_late_answer",
    "refuse",
    "request_review",
    "require_review",
    "succeed",
    "unblock",
    "withdraw",
]

Written = TypeVar("Written")

logger = logging.getLogger("voucher_payment_gateway")


class StaleOperationError(Exception):
    """Another worker changed the operation meanwhile; nothing of ours was written."""


def create(
    draft: VoucherOperation, state: str, *, payment_changes: Mapping[str, Any] | None = None, **fields: Any
) -> None:
    """Beat one: the operation, and what it changes on its payment, together or not at all."""
    draft.actor, draft.reason = _text(draft.actor, 150), _text(draft.reason, 255)
    for name, value in {"state": state, **fields}.items():
        setattr(draft, name, value)
    with atomic_or_conflict():
        if payment_changes and draft.payment:
            change_payment(draft.payment, **payment_changes)
        # K6: in the transaction of beat one, the operation is not written yet
        draft.save(force_insert=True)


def _text(given: object, longest: int) -> str:
    """Return what the caller gave as a text that every database keeps."""
    text = "" if given is None else str(given)
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:longest]


def compare_and_set(operation: VoucherOperation, **changes: Any) -> bool:
    """Change an operation, if the claim it was read with still holds; say whether it did."""
    changes["claim"] = uuid.uuid4()
    ours = VoucherOperation.objects.using(database()).filter(pk=operation.pk, claim=operation.claim)
    if ours.update(**changes) != 1:
        return False
    for name, value in changes.items():
        setattr(operation, name, value)
    return True


def withdraw(operation: VoucherOperation) -> bool:
    """Take back what is due and not wanted any more; say whether it was still as it was read."""
    return compare_and_set(
        operation,
        state="not_applied",
        error_code="cancelled",
        settled_at=timezone.now(),
        reread_at=reread_if_sent(operation),
    )


def unblock(operation: VoucherOperation) -> bool:
    """Let an operation that waits be the one that is open on its voucher; say whether no other one is."""
    try:
        with atomic_or_conflict():
            return compare_and_set(operation, waits=False)
    except ConflictError:
        return False


def succeed(procedure: OperationHandler, operation: VoucherOperation, remote_id: str, **changes: Any) -> None:
    """Write down a booking on the operation and its payment at once. Raises LostClaimError, or OutdatedError where
    the remote id belongs to another operation."""
    reread = reread_at(operation, booked=True)

    def step() -> None:
        _close(operation, "succeeded", remote_id=remote_id, error_code="", reread_at=reread, **changes)
        # K10: the outcome is on the operation, not on the payment
        if on_payment := procedure.booked(operation):
            change_payment(of(operation), **on_payment)
        # K11: the outcome is on both, not committed
        procedure.tell(operation)

    _retry_step(operation, step, give_up=lambda outdated: isinstance(outdated.__cause__, IntegrityError))


def refuse(
    procedure: OperationHandler, operation: VoucherOperation, error: VoucherGatewayError, **changes: Any
) -> VoucherOperation | None:
    """Write down a refusal for good together with what follows: another operation, or the end.

    Returns the operation that follows, written down and due. Raises LostClaimError.
    """

    def step() -> VoucherOperation | None:
        _close(operation, "refused", error_code=error.code, **changes)
        # K10: the outcome is on the operation, not on the payment
        follow_up = procedure.follow_up(operation)
        if follow_up is None:
            procedure.refused(operation)
        else:
            create(follow_up, "due", due_at=next_try(follow_up))
        # K11: the outcome is on both, not committed
        return follow_up

    return _retry_step(operation, step, give_up=lambda outdated: False)


def require_review(operation: VoucherOperation, error_code: str, **changes: Any) -> None:
    """Let a person decide: the voucher is free for others, the amount counts as moved until then."""
    if compare_and_set(
        operation, state="manual", error_code=error_code, settled_at=timezone.now(), **changes
    ):
        request_review(operation)


def record_late_answer(operation: VoucherOperation, remote_id: str) -> None:
    """Another worker decided meanwhile: keep what we learned, and tell a person where it differs."""
    kept = VoucherOperation.objects.using(database()).filter(pk=operation.pk)
    answer = {"remote_id": remote_id, "at": timezone.now().isoformat()}
    kept.update(late_answers=JSONAppend("late_answers", answer))
    operation.refresh_from_db(using=database())
    if needs_review(state=operation.state, recorded_id=operation.remote_id, remote_id=remote_id):
        request_review(operation)


def request_review(operation: VoucherOperation) -> None:
    """Tell the shop and the log that a person has to look."""
    logger.error(
        "a gift voucher operation needs review: operation %s, %s", operation.pk, operation.error_code
    )
    announce(payment_needs_review, of(operation), operation.amount)


def _close(operation: VoucherOperation, state: str, **changes: Any) -> None:
    if not compare_and_set(operation, state=state, settled_at=timezone.now(), **changes):
        raise StaleOperationError


def _retry_step(
    operation: VoucherOperation, step: Callable[[], Written], *, give_up: Callable[[ConflictError], bool]
) -> Written:
    """Take a step all at once or not at all, again while others change the payment or the order meanwhile; our claim
    outlives a step that came to nothing."""
    claim = operation.claim
    for _ in range(MAX_CONFLICTS):
        try:
            with atomic_or_conflict():
                return step()
        except ConflictError as outdated:
            operation.claim = claim
            if give_up(outdated):
                raise
            of(operation).refresh_from_db(using=database())
    raise ConflictError
