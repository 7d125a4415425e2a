"""Conclude: record a person's decision on an operation that the evidence could not decide."""

from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import PaymentStateError, WrongStateError
from voucher_payment_gateway.gateway.operations.registry import HANDLERS
from voucher_payment_gateway.gateway.operations.transitions import (
    StaleOperationError,
    conclude_not_applied,
    succeed,
)
from voucher_payment_gateway.gateway.records.archived import archived_bookings
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.gateway.records.conflicts import (
    ConflictError,
    atomic_or_conflict,
    refuse_open_transaction,
)
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.models.conditions import BOOKS
from voucher_payment_gateway.telemetry import verb

__all__ = ["conclude"]


@verb
def conclude(
    operation: VoucherOperation, *, remote_id: str = "", actor: str, reason: str
) -> VoucherOperation:
    """Record a person's decision on an operation in ``manual``, and update its payment or sale accordingly. No money
    moves.

    ``remote_id``: the id of its booking at the Voucher Cloud. The booking is read there, and rejected unless type and
    amount are equal and no other operation has it. Of an operation of a sale that books nothing (issue, activate,
    deactivate) give the id of the voucher: that is read. Empty: nothing was booked and nothing will be; the charge,
    refund or recharge may then be requested again, and ``settle`` goes on with a sale; one whose id another voucher has
    ends as ``failed``, and the order may be sold a new one by ``activate``. A pending cancel request is
    carried out by the next ``settle``. ``actor`` and ``reason`` are stored with the operation.

    Raises WrongStateError where the operation is not ``manual`` (any more) or the booking does not match it,
    PaymentStateError without actor or reason, UnavailableError, CredentialsError and ContractError where the
    voucher's bookings cannot be read, TransactionManagementError inside a transaction. Nothing is changed then.
    """
    refuse_open_transaction()
    if not actor.strip() or not reason.strip():
        raise PaymentStateError(
            "actor, reason: say who decides, and why. Nothing was changed.", code="conclusion_unfounded"
        )
    operation = VoucherOperation.current.select_related("payment", "sale").get(pk=operation.pk)
    if operation.state != "manual":
        raise WrongStateError(f"operation {operation.pk} is {operation.state}: there is nothing to decide.")
    if remote_id and HANDLERS[operation.kind].is_booking:
        _refuse_unless_booking_of(operation, remote_id)
    by = {"concluded_by": actor[:150], "conclusion": reason[:255]}
    try:
        _record(operation, remote_id, by)
    except (StaleOperationError, ConflictError):
        raise WrongStateError(f"operation {operation.pk} was changed by another worker just now.") from None
    return operation


def _record(operation: VoucherOperation, remote_id: str, by: dict[str, str]) -> None:
    handler = HANDLERS[operation.kind]
    if remote_id:
        if not handler.is_booking and handler.voucher_evidence(operation).verdict != "found":
            raise WrongStateError(
                f"the voucher of sale {operation.sale_id} does not show this {operation.kind}.",
                code="booking_not_there",
            )
        succeed(handler, operation, remote_id, **by)
        return
    with atomic_or_conflict():
        conclude_not_applied(operation, **by)
        handler.on_not_applied(operation)


def _refuse_unless_booking_of(operation: VoucherOperation, remote_id: str) -> None:
    """Raise WrongStateError unless this booking exists, with our type and amount, and no other operation has it."""
    row = next(
        (row for row in bookings_of(operation.voucher_id, operation.account) if row.id == remote_id), None
    )
    if row is None or (row.type, row.amount) != (operation.kind, operation.amount):
        raise WrongStateError(
            f"the voucher has no {operation.kind} of {with_code(operation.amount, operation.currency)} with this id.",
            code="booking_not_there",
        )
    booked = VoucherOperation.current.filter(BOOKS, remote_id=remote_id)
    archived = archived_bookings(operation.account, [operation.voucher_id]).filter(remote_id=remote_id)
    if booked.exclude(remote_id="").exclude(pk=operation.pk).exists() or archived.exists():
        raise WrongStateError("this booking belongs to another operation.", code="booking_known_already")
