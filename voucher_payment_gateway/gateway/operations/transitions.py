"""The life of an operation. Every change of a row is one of the functions below; nothing else writes ``state``.

    (new) ──▶ due ──▶ sending ──▶ succeeded
      │        │ ▲        ├─────▶ refused
      │        │ └────────┤ certainly not applied
      ├──▶ sending        └─────▶ unknown ──▶ succeeded · due (send again) · refused · not_applied
      └──▶ succeeded
    due ──▶ not_applied (withdrawn)
    due, sending, unknown ──▶ manual ──▶ succeeded · not_applied      (a person decided)

The arrows stand as data in ``rules.states.TRANSITIONS``; any other raises TransitionError before anything is written.

Each change is a compare-and-set on ``claim``, which changes with every write. A worker that read the row earlier, such
as one that slept through its lease, changes nothing.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError
from django.utils import timezone

from voucher_payment_gateway.exceptions import CredentialsError, RefusedError, VoucherGatewayError
from voucher_payment_gateway.gateway.operations.counted import count_outcome
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.schedule import next_send, next_try, reread_at, reread_if_sent
from voucher_payment_gateway.gateway.records.announce import request_review
from voucher_payment_gateway.gateway.records.conflicts import MAX_CONFLICTS, ConflictError, atomic_or_conflict
from voucher_payment_gateway.gateway.records.durability import durable_commit
from voucher_payment_gateway.gateway.records.storable import storable
from voucher_payment_gateway.gateway.records.subjects import change_subject
from voucher_payment_gateway.gateway.records.writes import INSERT_OPERATION, UPDATE_OPERATION
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.states import OPEN_STATES, check_transition
from voucher_payment_gateway.rules.timing import after_lease
from voucher_payment_gateway.rules.verdicts import forbidden_since, is_forbidden_too_long

__all__ = [
    "StaleOperationError",
    "begin_preparing",
    "begin_sending",
    "begin_verifying",
    "conclude_not_applied",
    "create",
    "give_up",
    "insert",
    "mark_abandoned",
    "mark_unknown",
    "note_absence",
    "note_error",
    "note_fence",
    "postpone",
    "refuse",
    "repeat",
    "require_review",
    "return_to_due",
    "succeed",
    "unblock",
    "withdraw",
]

Written = TypeVar("Written")

IMPOSSIBLE_ANSWERS = ("answer_not_ours", "booking_known_already")
"""Error codes of a clear answer that cannot belong to this operation: a review is requested."""


class StaleOperationError(Exception):
    """Another worker changed the operation since it was read; nothing was written."""


def create(
    draft: VoucherOperation, state: str, *, subject_changes: Mapping[str, Any] | None = None, **fields: Any
) -> None:
    """(new) → due, sending or succeeded. Beat one: the row and its changes of the payment or sale at once. The row
    alone needs no transaction around its statement, unless receivers are called with it."""
    is_alone = not subject_changes and state in OPEN_STATES and not INSERT_OPERATION.is_listened_to
    with atomic_or_conflict(is_one_statement=is_alone), durable_commit():
        if subject_changes:
            change_subject(draft, **subject_changes)
        # K6: in the transaction of beat one, the operation is not written yet
        insert(draft, state, **fields)


def insert(draft: VoucherOperation, state: str, **fields: Any) -> None:
    """(new) → due, sending or succeeded, as part of a transaction that the caller has open."""
    check_transition(None, state)
    count_outcome(draft, state)
    draft.actor, draft.reason = storable(draft.actor, 150), storable(draft.reason, 255)
    for name, value in {"state": state, **fields}.items():
        setattr(draft, name, value)
    INSERT_OPERATION.run(draft)


def begin_preparing(operation: VoucherOperation) -> bool:
    """due → sending, before a reservation is made for it: no other worker makes one at the same moment."""
    return _compare_and_set(operation, state="sending", sending_at=timezone.now())


def begin_verifying(operation: VoucherOperation) -> bool:
    """due → sending, before the bookings are read to verify a clear "no": no other worker sends it meanwhile."""
    return _compare_and_set(operation, state="sending", sending_at=timezone.now(), refused_at=None)


def begin_sending(operation: VoucherOperation) -> bool:
    """due or sending → sending. One attempt more, with what the handler prepared; earlier evidence no longer counts."""
    prepared = {name: getattr(operation, name) for name in ("target_id", "target_dead_at", "baseline")}
    with durable_commit():
        return _compare_and_set(
            operation,
            state="sending",
            sending_at=timezone.now(),
            attempts=operation.attempts + 1,
            fence_at=None,
            absent_at=None,
            refused_at=None,
            **prepared,
        )


def succeed(handler: OperationHandler, operation: VoucherOperation, remote_id: str, **changes: Any) -> None:
    """sending, unknown or manual → succeeded. The outcome is written on the operation and its payment or sale at once.

    Raises StaleOperationError, or ConflictError where ``remote_id`` belongs to another operation.
    """
    reread = reread_at(operation, booked=True)

    def step() -> None:
        _close(operation, "succeeded", remote_id=remote_id, error_code="", reread_at=reread, **changes)
        # K10: the outcome is on the operation, not on the payment
        if on_subject := handler.subject_changes(operation):
            change_subject(operation, **on_subject)
        handler.on_succeeded(operation)
        # K11: the outcome is on both, not committed
        handler.announce(operation)

    _retry_step(operation, step, is_final=lambda conflict: isinstance(conflict.__cause__, IntegrityError))


def refuse(
    handler: OperationHandler, operation: VoucherOperation, error: VoucherGatewayError, **changes: Any
) -> VoucherOperation | None:
    """sending or unknown → refused, together with its consequence: another operation, or the end of the payment.

    Returns the operation that follows, written and due. Raises StaleOperationError.
    """

    def step() -> VoucherOperation | None:
        _close(operation, "refused", error_code=error.code, **changes)
        # K10: the outcome is on the operation, not on the payment
        next_operation = handler.retry_with(operation)
        if next_operation is None:
            handler.on_refused(operation)
        else:
            create(next_operation, "due", due_at=next_try(next_operation))
        # K11: the outcome is on both, not committed
        return next_operation

    return _retry_step(operation, step, is_final=lambda conflict: False)


def withdraw(operation: VoucherOperation, error_code: str = "cancelled") -> bool:
    """due → not_applied: not wanted any more, and not sent. Return whether it was still as it was read."""
    return _not_applied(operation, error_code=error_code, reread_at=reread_if_sent(operation))


def give_up(operation: VoucherOperation) -> bool:
    """unknown → not_applied: certainly not booked, and the payment is being cancelled."""
    return _not_applied(operation, error_code="cancelled", reread_at=reread_at(operation, booked=False))


def conclude_not_applied(operation: VoucherOperation, **changes: Any) -> None:
    """manual → not_applied: a person said that nothing was booked. Raises StaleOperationError."""
    if not _not_applied(operation, reread_at=reread_at(operation, booked=False), **changes):
        raise StaleOperationError


def require_review(operation: VoucherOperation, error_code: str, **changes: Any) -> bool:
    """Any open state → manual. The voucher is free for other operations; the amount counts as moved until a person
    decides. Return whether no other worker changed it first."""
    changes |= {"error_code": error_code, "settled_at": timezone.now()}
    changed = _compare_and_set(operation, state="manual", **changes)
    if changed:
        request_review(operation)
    return changed


def return_to_due(
    operation: VoucherOperation, error: VoucherGatewayError | None = None, **changes: Any
) -> None:
    """due or sending → due: certainly not applied, it is sent later; manual once the API forbade it for a day."""
    if error is None:
        _compare_and_set(operation, state="due", **changes)
        return
    now, known = timezone.now(), operation.error_code
    changes["forbidden_at"] = forbidden_since(error, operation.forbidden_at, now)
    if is_forbidden_too_long(changes["forbidden_at"], now):
        if error.code == "voucher_gone":
            require_review(operation, "voucher_gone", **changes)
        else:
            require_review(operation, "forbidden", **changes)
        return
    due_at = next_send(operation, error)
    changed = _compare_and_set(operation, state="due", error_code=error.code, due_at=due_at, **changes)
    if changed and known != error.code and isinstance(error, CredentialsError):
        request_review(operation)


def mark_unknown(operation: VoucherOperation, error: VoucherGatewayError) -> None:
    """sending → unknown: no clear answer. A review is requested where the answer cannot belong to it."""
    refused_at = timezone.now() if isinstance(error, RefusedError) else None
    changes = {"error_code": error.code, "refused_at": refused_at, "due_at": next_try(operation)}
    if _compare_and_set(operation, state="unknown", **changes) and error.code in IMPOSSIBLE_ANSWERS:
        request_review(operation)


def mark_abandoned(operation: VoucherOperation) -> bool:
    """sending → unknown: its lease expired, so it may have been sent or not. A release has no outcome to wait for:
    sending → succeeded."""
    state = after_lease(operation.kind)
    if state == "succeeded":
        return _compare_and_set(operation, state=state, settled_at=timezone.now())
    return _compare_and_set(operation, state=state, error_code="abandoned", due_at=operation.sending_at)


def repeat(operation: VoucherOperation, due_at: datetime) -> bool:
    """unknown → due: certainly not booked, it is sent again."""
    return _compare_and_set(operation, state="due", due_at=due_at)


def postpone(operation: VoucherOperation, until: datetime) -> bool:
    """Set when the operation is processed next: when a worker's lease ends, or after a wait. Return whether no other
    worker changed it first."""
    return _compare_and_set(operation, due_at=until)


def unblock(operation: VoucherOperation) -> bool:
    """Let an operation that waits be the one that is open on its voucher; return whether there is no other one."""
    try:
        with atomic_or_conflict():
            return _compare_and_set(operation, waits=False)
    except ConflictError:
        return False


def note_fence(operation: VoucherOperation, fence_at: datetime, due_at: datetime) -> bool:
    """Store the fence: from ``fence_at`` on no earlier request can be booked. It is stored before any read counts."""
    return _compare_and_set(operation, fence_at=fence_at, due_at=due_at)


def note_absence(operation: VoucherOperation, absent_at: datetime, due_at: datetime | None) -> bool:
    """Store when the first read after the grace period was sent that showed no booking."""
    return _compare_and_set(operation, absent_at=absent_at, due_at=due_at)


def note_error(operation: VoucherOperation, error: VoucherGatewayError) -> bool:
    """Store why an unknown operation cannot be decided yet."""
    return _compare_and_set(operation, error_code=error.code, due_at=next_try(operation))


def _compare_and_set(operation: VoucherOperation, **changes: Any) -> bool:
    """Change the row if its claim is still the one that was read; return whether it was."""
    if "state" in changes:
        check_transition(operation.state, changes["state"])
    changes["claim"] = uuid.uuid4()
    if UPDATE_OPERATION.run({"pk": operation.pk, "claim": operation.claim}, changes) != 1:
        return False
    count_outcome(operation, changes.get("state"))
    for name, value in changes.items():
        setattr(operation, name, value)
    return True


def _close(operation: VoucherOperation, state: str, **changes: Any) -> None:
    if not _compare_and_set(operation, state=state, settled_at=timezone.now(), **changes):
        raise StaleOperationError


def _not_applied(operation: VoucherOperation, **changes: Any) -> bool:
    return _compare_and_set(operation, state="not_applied", settled_at=timezone.now(), **changes)


def _retry_step(
    operation: VoucherOperation, step: Callable[[], Written], *, is_final: Callable[[ConflictError], bool]
) -> Written:
    """Run ``step`` in a transaction; retry on conflict. Claim and state are restored before each retry."""
    claim, state = operation.claim, operation.state
    for _ in range(MAX_CONFLICTS):
        try:
            with atomic_or_conflict():
                return step()
        except ConflictError as conflict:
            operation.claim, operation.state = claim, state
            if is_final(conflict):
                raise
            operation.subject.refresh_from_db()
    raise ConflictError
