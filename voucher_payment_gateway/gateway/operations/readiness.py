"""Whether a due operation may be prepared: a verification, a cancellation or another operation comes first."""

from voucher_payment_gateway.exceptions import UnavailableError, WrongStateError
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.outcome import raise_unless_succeeded, verify
from voucher_payment_gateway.gateway.operations.schedule import next_try
from voucher_payment_gateway.gateway.operations.transitions import postpone, unblock, withdraw
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["is_ready", "queued_error"]


def is_ready(handler: OperationHandler, operation: VoucherOperation) -> bool:
    """Return whether a due operation is still to be sent; a clear "no" that was not verified yet is verified first.

    Raises WrongStateError where it is cancelled, UnavailableError where another one on its voucher is not finished,
    OperationInProgressError where another worker was first. Nothing was sent.
    """
    if operation.is_unverified and not verify(handler, operation):
        return False
    if handler.is_cancelled(operation):
        _withdraw_cancelled(operation)
        return False
    if operation.waits and not unblock(operation):
        postpone(operation, next_try(operation))
        raise queued_error(operation)
    return True


def _withdraw_cancelled(operation: VoucherOperation) -> None:
    if withdraw(operation):
        raise WrongStateError(
            f"order {operation.order_number}: the gift voucher is being cancelled. Nothing was sent."
        )
    raise_unless_succeeded(operation)


def queued_error(operation: VoucherOperation) -> UnavailableError:
    return UnavailableError(
        f"order {operation.order_number}: another operation on its gift voucher is not finished. This "
        f"{operation.kind} is written down and follows it. No money moved.",
        code="voucher_busy",
    )
