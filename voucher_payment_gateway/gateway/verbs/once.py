"""Make a call with an idempotency key once: all its operations are written in one transaction, then carried out.

A crash between two of them loses none, since ``settle`` sends what is due, and a repetition starts nothing new.
"""

from collections.abc import Callable, Mapping

from django.db import transaction

from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import (
    OperationInProgressError,
    OutcomeUnknownError,
    RefusedError,
    VoucherGatewayError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.operations.registry import HANDLERS
from voucher_payment_gateway.gateway.operations.side_by_side import Outbox, execute_all, first_error
from voucher_payment_gateway.gateway.records.archived import as_operations
from voucher_payment_gateway.gateway.records.conflicts import (
    atomic_or_conflict,
    database,
    in_transaction,
    retry_on_conflict,
)
from voucher_payment_gateway.gateway.records.idempotency import Call, refuse_reused_key, save_key
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
)
from voucher_payment_gateway.rules.states import GIVES_BACK

__all__ = ["Write", "as_they_are_now", "once", "raise_as_before"]

Write = Callable[[VoucherIdempotencyKey | None, Outbox | None], list[VoucherPayment]]
"""Writes the operations of a call, with its key, and returns their payments. With an outbox they are put into it
instead of being carried out."""

REFUSALS: tuple[type[RefusedError], ...] = (RefusedError, *RefusedError.__subclasses__())


def once(call: Call, write: Write, *, pk: int | None = None) -> list[VoucherPayment]:
    """Make ``call`` unless it was made before; then answer as it did. Without a key it is made in any case.

    ``pk`` is the primary key of the payment that was given in place of the order. Nothing is stored where the call
    found nothing to do, or was refused before anything was sent.
    """
    if not call.key:
        return write(None, None)
    return retry_on_conflict(lambda: _once(call, write, pk))


def _once(call: Call, write: Write, pk: int | None) -> list[VoucherPayment]:
    if known := call.find():
        return _answer_again(known, pk)
    outbox: Outbox | None = None if in_transaction() else []
    with atomic_or_conflict():
        row = call.new_row()
        save_key(row)  # first: another worker with this key waits here, or conflicts
        payments = write(row, outbox)
        if not _has_effect(call, row, payments, outbox):
            transaction.set_rollback(True, using=database())
    if outbox:
        _carry_out(outbox)
    # a cancel has read its payments before they were refunded
    return as_they_are_now(payments) if outbox and call.verb == "cancel" else payments


def _has_effect(
    call: Call, row: VoucherIdempotencyKey | None, payments: list[VoucherPayment], outbox: Outbox | None
) -> bool:
    """Return whether the call has written something: operations of its own, or requests to cancel."""
    if call.verb == "cancel":
        return bool(payments)
    if outbox is not None:
        return any(row and operation.idempotency_key_id == row.pk for _, operation in outbox)
    return bool(payments) and VoucherOperation.current.filter(idempotency_key=row).exists()


def _carry_out(outbox: Outbox) -> None:
    """Carry out the operations side by side. All are tried, then the first error is raised."""
    failures = [
        (operation, error)
        for operation, error in execute_all(outbox)
        if operation.kind != "cancel" or not isinstance(error, VoucherGatewayError)  # it lapses by itself
    ]
    if (error := first_error(failures, (operation for _, operation in outbox))) is not None:
        raise error


def _answer_again(row: VoucherIdempotencyKey, pk: int | None) -> list[VoucherPayment]:
    """Go on with what is still due of an earlier call, and answer as that call did."""
    last = _last_by_subject(row)
    payments = [_payment_of(operation) for operation in last.values()]
    if row.verb == "cancel":
        requested = VoucherPayment.current.filter(cancel_requested_at__isnull=False)
        payments += requested.filter(order_number=row.order_number)
    if pk is not None and pk not in {payment.pk for payment in payments}:
        refuse_reused_key(row, "payment")
    _go_on(row, {subject: each for subject, each in last.items() if each.kind != "cancel"})
    return as_they_are_now(payments)


Subject = tuple[str, int | None, str]


def _last_by_subject(row: VoucherIdempotencyKey) -> dict[Subject, VoucherOperation]:
    """Return the last operation of the call about each subject: one that was refused may be followed by another."""
    operations = VoucherOperation.current.filter(idempotency_key=row).order_by("pk")
    related = list(operations.select_related("payment", "sale__replaces_refund__payment"))
    # they are archived all together
    found = related or as_operations(VoucherArchivedOperation.current.filter(idempotency_key=row))
    return {_subject(each): each for each in found}


def _subject(operation: VoucherOperation) -> Subject:
    """Return what an operation is about: a charge that was refused is followed by another one for its payment, and a
    refund by what is given in its place."""
    if operation.sale is not None and operation.sale.replaces_refund is not None:
        operation = operation.sale.replaces_refund
    if operation.kind in GIVES_BACK:
        return "refund", operation.payment_id, operation.target_id
    return operation.kind, operation.payment_id, ""


def _payment_of(operation: VoucherOperation) -> VoucherPayment:
    sale = operation.sale
    return sale.replaces_refund.payment if sale and sale.replaces_refund else operation.payment


def _go_on(row: VoucherIdempotencyKey, operations: Mapping[Subject, VoucherOperation]) -> None:
    due = [each for each in operations.values() if each.state == "due" and not in_transaction()]
    failures = execute_all([(HANDLERS[each.kind], each) for each in due])
    last = _last_by_subject(row) if due else operations
    for subject, operation in operations.items():
        if (error := first_error(failures, [operation])) is not None:
            raise error
        raise_as_before(last[subject])


def raise_as_before(operation: VoucherOperation) -> None:
    """Raise the error that the first call raised about ``operation``, by the outcome that is known now."""
    what = f"order {operation.order_number}: the {operation.kind} of {with_code(operation.amount, operation.currency)}"
    match operation.state:
        case "unknown":
            raise OutcomeUnknownError(
                f"{what} has no clear answer yet. The money may have moved; do not repeat it, it is being settled."
            )
        case "refused":
            by_code = {error.default_code: error for error in REFUSALS}
            refusal = by_code.get(operation.error_code, RefusedError)
            raise refusal(f"{what} was refused. No money moved.", code=operation.error_code)
        case "sending":
            raise OperationInProgressError(f"{what} is carried out by another worker just now.")
        case "manual":
            raise OperationInProgressError(f"{what} needs a person's decision.")
        case "not_applied" if operation.error_code != "order_changed":
            raise WrongStateError(f"{what} was withdrawn. No money moved.")


def as_they_are_now(payments: list[VoucherPayment]) -> list[VoucherPayment]:
    """Return the payments, read again."""
    return list(VoucherPayment.current.filter(pk__in={payment.pk for payment in payments}))
