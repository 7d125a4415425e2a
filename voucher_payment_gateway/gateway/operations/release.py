"""The release of a reservation. It moves no money, and nothing depends on its answer."""

from voucher_payment_gateway.gateway.holds.reserve import release
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["RELEASE"]


class ReleaseHandler(OperationHandler):
    """Ask the Voucher Cloud to drop a reservation; any answer will do, since it lapses by itself."""

    kind = "cancel"

    def call(self, operation: VoucherOperation) -> str:
        release(operation.target_id)
        return ""


RELEASE = ReleaseHandler()
