"""The three beats of every call that can move money.

1. Write the operation down and commit.
2. Call, with no transaction open.
3. Write down the outcome, if the claim is still ours.

Inside of the caller's transaction beat one joins it, and beats two and three follow its commit; what a crash
leaves behind, ``settle`` finishes. Nothing else in the package moves money.
"""

import logging
import uuid
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any, Protocol

from django.db import DatabaseError, IntegrityError, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from voucher_payment_gateway.api import send_before
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway._announce import announce
from voucher_payment_gateway.gateway._orders import OutdatedError, database, unless_outdated
from voucher_payment_gateway.gateway._reservations import change_payment
from voucher_payment_gateway.gateway._timing import SEND_WINDOW_SECONDS, next_try, reread_at
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.reservation_ids import JSONAppend
from voucher_payment_gateway.rules.verdicts import verdict
from voucher_payment_gateway.signals import payment_needs_review

__all__ = [
    "Kind",
    "book",
    "close",
    "of",
    "resume",
    "start",
    "take",
    "write",
]

logger = logging.getLogger("voucher_payment_gateway")

NOT_READY = (UnavailableError, CredentialsError, ContractError)
"""What may go wrong before anything is sent; the operation stays due."""


class Kind(Protocol):
    """How one kind of operation is prepared, called and booked."""

    name: str
    """The kind as the operation's row has it."""

    def prepare(self, operation: VoucherOperation) -> None:
        """Set what the call needs and may be read or reserved beforehand. Moves no money."""

    def call(self, operation: VoucherOperation) -> str:
        """Make the call, check the answer, and return the remote id of the booking."""

    def booked(self, operation: VoucherOperation) -> Mapping[str, Any]:
        """Return how the payment changes by the success of ``operation``."""

    def tell(self, operation: VoucherOperation) -> None:
        """Announce the success to the shop."""

    def refused(self, operation: VoucherOperation, error: RefusedError) -> VoucherOperation:
        """Do what a final refusal asks for: raise ``error``, or return the operation that came instead."""


def start(kind: Kind, draft: VoucherOperation, **payment_changes: Any) -> VoucherOperation:
    """Write down ``draft`` together with what it changes on its payment, and carry it out.

    Inside of a transaction it is carried out after the commit. Raises what the call raised: after RefusedError
    it is over, after UnavailableError and CredentialsError it stays due and ``settle`` sends it, after
    OutcomeUnknownError ``settle`` finds out. Raises OutdatedError where another operation was first.
    """
    connection = transaction.get_connection(database())
    if not connection.in_atomic_block and not connection.get_autocommit():
        raise TransactionManagementError(
            "Money moves only in autocommit mode or inside of atomic(). Nothing was sent."
        )
    if connection.in_atomic_block:
        write(draft, "due", due_at=next_try(draft), payment_changes=payment_changes)
        transaction.on_commit(partial(_after_commit, kind, draft), using=database(), robust=True)
        return draft
    try:
        kind.prepare(draft)
        voucher_cloud().authenticate()
    except NOT_READY as error:
        write(draft, "due", error_code=error.code, due_at=next_try(draft), payment_changes=payment_changes)
        raise
    except RefusedError as error:
        write(
            draft,
            "refused",
            error_code=error.code,
            settled_at=timezone.now(),
            payment_changes=payment_changes,
        )
        return kind.refused(draft, error)
    claimed_at = monotonic()
    write(draft, "sending", attempts=1, sending_at=timezone.now(), payment_changes=payment_changes)
    return _send(kind, draft, claimed_at)


def resume(kind: Kind, operation: VoucherOperation) -> VoucherOperation:
    """Carry out an operation that is due. Does nothing where another worker was first."""
    try:
        kind.prepare(operation)
        voucher_cloud().authenticate()
    except NOT_READY as error:
        take(operation, state="due", error_code=error.code, due_at=next_try(operation))
        raise
    except RefusedError as error:
        if close(operation, "refused", error):
            return kind.refused(operation, error)
        return operation
    claimed_at = monotonic()
    sending = {"state": "sending", "attempts": operation.attempts + 1, "sending_at": timezone.now()}
    prepared = {
        "target_id": operation.target_id,
        "target_dead_at": operation.target_dead_at,
        "baseline": operation.baseline,
        "error_code": "",
    }
    nothing_known = {"fence_at": None, "absent_at": None, "refused_at": None}
    if not take(operation, **sending, **prepared, **nothing_known):
        return operation
    return _send(kind, operation, claimed_at)


def take(operation: VoucherOperation, **changes: Any) -> bool:
    """Change an operation under a new claim, if the one it was read with still holds; say whether it did."""
    changes["claim"] = uuid.uuid4()
    return _compare_and_set(operation, changes)


def close(operation: VoucherOperation, state: str, error: VoucherGatewayError, **changes: Any) -> bool:
    """Write down an outcome without money, if the claim is still ours; say whether it was."""
    return _compare_and_set(
        operation, {"state": state, "error_code": error.code, "settled_at": timezone.now(), **changes}
    )


def book(kind: Kind, operation: VoucherOperation, remote_id: str) -> bool:
    """Write down a booking on the operation and its payment at once; say whether the claim was still ours."""
    payment = of(operation)
    while True:
        try:
            with unless_outdated():
                won = _compare_and_set(
                    operation,
                    {
                        "state": "succeeded",
                        "remote_id": remote_id,
                        "error_code": "",
                        "settled_at": timezone.now(),
                        "reread_at": reread_at() if operation.attempts > 1 else None,
                    },
                )
                if won:
                    if changes := kind.booked(operation):
                        change_payment(payment, **changes)
                    kind.tell(operation)
            return won
        except OutdatedError as outdated:
            if isinstance(outdated.__cause__, IntegrityError):
                raise
            payment.refresh_from_db()


def of(operation: VoucherOperation) -> VoucherPayment:
    """Return the payment that an operation belongs to."""
    assert operation.payment is not None  # noqa: S101
    return operation.payment


def write(
    draft: VoucherOperation, state: str, *, payment_changes: Mapping[str, Any] | None = None, **fields: Any
) -> None:
    """Beat one: the operation, and what it changes on its payment, together or not at all."""
    for name, value in {"state": state, **fields}.items():
        setattr(draft, name, value)
    with unless_outdated():
        if payment_changes and draft.payment:
            change_payment(draft.payment, **payment_changes)
        draft.save(force_insert=True)


def _send(kind: Kind, operation: VoucherOperation, claimed_at: float) -> VoucherOperation:
    """Beats two and three."""
    try:
        with send_before(claimed_at + SEND_WINDOW_SECONDS):
            remote_id = kind.call(operation)
    except VoucherGatewayError as error:
        return _not_booked(kind, operation, error)
    try:
        if not book(kind, operation, remote_id):
            _keep_late_answer(operation, remote_id)
    except OutdatedError:
        _doubt(operation, "booking_known_already")
    except DatabaseError as error:
        raise OutcomeUnknownError(code="outcome_not_written") from error
    return operation


def _not_booked(kind: Kind, operation: VoucherOperation, error: VoucherGatewayError) -> VoucherOperation:
    match verdict(error, repeated=operation.attempts > 1):
        case "refused":
            if close(operation, "refused", error):
                return kind.refused(operation, error)  # type: ignore[arg-type]
        case "not_applied":
            attempts = operation.attempts - 1  # counts the calls that may have arrived
            take(operation, state="due", attempts=attempts, error_code=error.code, due_at=next_try(operation))
            raise error
        case "unknown":
            refused_at = timezone.now() if isinstance(error, RefusedError) else None
            take(
                operation,
                state="unknown",
                error_code=error.code,
                refused_at=refused_at,
                due_at=next_try(operation),
            )
            raise _as_unknown(operation, error) from None
    return operation


def _as_unknown(operation: VoucherOperation, error: VoucherGatewayError) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"order {operation.order_number}: no clear answer to the {operation.kind} of {operation.amount} "
        f"{operation.currency}. The money may have moved; do not repeat it, it is being settled.",
        api_code=error.api_code,
        http_status=error.http_status,
    )


def _doubt(operation: VoucherOperation, reason: str) -> None:
    """A clear answer that cannot be ours: unknown, and a person is told."""
    operation.refresh_from_db()
    take(operation, state="unknown", error_code=reason, due_at=next_try(operation))
    _ask_for_review(operation)
    raise OutcomeUnknownError(code=reason)


def _keep_late_answer(operation: VoucherOperation, remote_id: str) -> None:
    """Another worker decided meanwhile: keep what we learned, and tell a person where it differs."""
    VoucherOperation.objects.filter(pk=operation.pk).update(
        late_answers=JSONAppend("late_answers", {"remote_id": remote_id, "at": timezone.now().isoformat()})
    )
    operation.refresh_from_db()
    if operation.state != "unknown" and operation.remote_id != remote_id:
        _ask_for_review(operation)


def _ask_for_review(operation: VoucherOperation) -> None:
    logger.error(
        "a gift voucher operation needs review: operation %s, %s", operation.pk, operation.error_code
    )
    if operation.payment:
        announce(payment_needs_review, operation.payment, operation.amount)


def _compare_and_set(operation: VoucherOperation, changes: Mapping[str, Any]) -> bool:
    ours = VoucherOperation.objects.using(database()).filter(pk=operation.pk, claim=operation.claim)
    if ours.update(**changes) != 1:
        return False
    for name, value in changes.items():
        setattr(operation, name, value)
    return True


def _after_commit(kind: Kind, operation: VoucherOperation) -> None:
    """Carry out what the caller's transaction has just committed; nobody is left to be told of an error."""
    try:
        resume(kind, operation)
    except VoucherGatewayError as error:
        logger.warning(
            "order %s: %s of a gift voucher ended with %s", operation.order_number, operation.kind, error.code
        )
