"""What the voucher's bookings prove about an operation."""

from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.records.bookings import bookings_of
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.evidence import Evidence

__all__ = ["read_evidence"]


def read_evidence(handler: OperationHandler, operation: VoucherOperation) -> Evidence:
    """Read the voucher's bookings, all pages, and return what those not yet recorded prove about ``operation``.

    Raises UnavailableError, CredentialsError or ContractError where they cannot be read: nothing is proven then.
    """
    recorded = VoucherOperation.current.filter(voucher_id=operation.voucher_id).exclude(remote_id="")
    ours = set(recorded.values_list("remote_id", flat=True))  # before the bookings are read
    return handler.evidence(operation, bookings_of(operation.voucher_id), ours)
