"""The release of a reservation. It moves no money, and nothing depends on its answer."""

from collections.abc import Collection, Sequence

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.gateway.holds.reserve import release
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.evidence import ABSENT, Evidence

__all__ = ["RELEASE"]


class ReleaseHandler(OperationHandler):
    """Ask the Voucher Cloud to drop a reservation; any answer will do, since it lapses by itself."""

    kind = "cancel"

    def evidence(
        self, operation: VoucherOperation, bookings: Sequence[Charge], ours: Collection[str]
    ) -> Evidence:
        """A release books nothing; it is repeated until it is answered."""
        return ABSENT

    def call(self, operation: VoucherOperation) -> str:
        release(operation.target_id, operation.account)
        return ""


RELEASE = ReleaseHandler()
