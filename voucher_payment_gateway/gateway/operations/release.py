"""How a reservation is released. No money moves."""

from collections.abc import Mapping
from typing import Any

from voucher_payment_gateway.gateway.holds.reserve import release
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["RELEASE"]


class ReleaseHandler:
    """How a reservation is let go. No money moves, and any answer will do."""

    name = "cancel"

    def needs_a_claim(self, operation: VoucherOperation) -> bool:
        return False

    def prepare(self, operation: VoucherOperation) -> None:
        """Nothing is needed beforehand."""

    def call(self, operation: VoucherOperation) -> str:
        release(operation.target_id)
        return ""

    def booked(self, operation: VoucherOperation) -> Mapping[str, Any]:
        return {}

    def tell(self, operation: VoucherOperation) -> None:
        """The shop was told when the payment ended."""

    def is_unwanted(self, operation: VoucherOperation) -> bool:
        return False

    def follow_up(self, operation: VoucherOperation) -> VoucherOperation | None:
        return None

    def refused(self, operation: VoucherOperation) -> None:
        """Never asked: ``call`` takes any answer."""


RELEASE = ReleaseHandler()
