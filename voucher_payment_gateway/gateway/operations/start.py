"""Start an operation: at once, beside others, or after the caller's commit."""

from typing import Any

import django.db
from django.db import transaction

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.operations.execute import (
    begin_new,
    call,
    conclude,
    create_due,
    execute_written,
)
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.readiness import queued_error
from voucher_payment_gateway.gateway.operations.side_by_side import Outbox, SideBySide, execute_all
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, database, in_transaction
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["execute_new"]


def execute_new(
    handler: OperationHandler,
    draft: VoucherOperation,
    *,
    outbox: Outbox | None = None,
    together: SideBySide | None = None,
    **subject_changes: Any,
) -> None:
    """Write ``draft`` together with its changes of the payment or sale, and carry it out.

    With ``outbox`` the verb does so; inside a transaction that follows the commit. With ``together`` it only begins,
    beside other operations of the call. A draft that ``waits`` for another one on its voucher is left to ``settle``.
    Raises ConflictError where another operation was first, else the error of the call: after RefusedError it has ended,
    after OutcomeUnknownError ``settle`` resolves it, else it stays due.
    """
    # K4: decided, nothing written
    draft.is_as_planned = outbox is not None or not in_transaction()
    if outbox is not None:
        create_due(draft, subject_changes)
        outbox.append((handler, draft))
    elif not draft.is_as_planned:
        create_due(draft, subject_changes)
        _execute_after_commit(handler, draft, [] if together is None else together.after_commit)
    elif draft.waits:
        create_due(draft, subject_changes)
        raise queued_error(draft)
    elif handler.reserves_first(draft):
        create_due(draft, subject_changes)
        execute = execute_written if together is None else together.begin_written
        execute(handler, draft)
    elif together is not None:
        together.begin(handler, draft, subject_changes)
    elif (sending := begin_new(handler, draft, subject_changes)) is not None:
        conclude(sending, call(sending))


def _execute_after_commit(handler: OperationHandler, operation: VoucherOperation, written: Outbox) -> None:
    """Carry out the operation once the caller's transaction is committed, beside the others that its call has
    ``written``. Errors are logged: its verb has returned."""
    written.append((handler, operation))

    def execute_committed() -> None:
        _execute_committed(written)

    # K14: written, but the caller's transaction is not committed
    transaction.on_commit(execute_committed, using=database(), robust=True)


def _execute_committed(written: Outbox) -> None:
    """Carry out what was ``written`` and is committed. Each operation has its hook, since a savepoint may have taken
    others back; the first hook that runs carries out all of them."""
    committed = _not_rolled_back(written)
    written.clear()
    # K15: the caller's transaction is committed, nothing sent
    failures = execute_all(committed)
    for operation, error in failures:
        _log(operation, error)
    for _, error in failures:
        if not isinstance(error, VoucherGatewayError | ConflictError | django.db.Error):
            raise error


def _not_rolled_back(written: Outbox) -> Outbox:
    if len(written) < 2:
        return list(written)
    rows = VoucherOperation.current.filter(pk__in=[operation.pk for _, operation in written])
    claims = set(rows.values_list("pk", "claim"))
    return [each for each in written if (each[1].pk, each[1].claim) in claims]


def _log(operation: VoucherOperation, error: Exception) -> None:
    reason = getattr(error, "code", type(error).__name__)
    PaymentEvents.not_sent_after_commit.log(
        order_number=operation.order_number,
        operation=operation.pk,
        kind=operation.kind,
        amount=operation.amount,
        currency=operation.currency,
        error_code=reason,
    )
