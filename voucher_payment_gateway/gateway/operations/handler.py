"""What an operation of each kind does: its procedure, carried out by ``_operations`` in three beats."""

from collections.abc import Mapping
from typing import Any, Protocol

from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

__all__ = ["OperationHandler", "of"]


class OperationHandler(Protocol):
    """How one kind of operation is prepared, called and booked."""

    name: str
    """The kind as the operation's row has it."""

    def needs_a_claim(self, operation: VoucherOperation) -> bool:
        """Say whether ``prepare`` changes something at the Voucher Cloud: then it is called sending first, so that
        nobody else does the same at the same moment."""

    def prepare(self, operation: VoucherOperation) -> None:
        """Set what the call needs and may be read or reserved beforehand. Moves no money."""

    def call(self, operation: VoucherOperation) -> str:
        """Make the call, check the answer, and return the remote id of the booking."""

    def booked(self, operation: VoucherOperation) -> Mapping[str, Any]:
        """Return how the payment changes by the success of ``operation``."""

    def tell(self, operation: VoucherOperation) -> None:
        """Announce the success to the shop."""

    def is_unwanted(self, operation: VoucherOperation) -> bool:
        """Say, as of now, whether a due operation is not to be sent any more."""

    def follow_up(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Return another operation, not saved yet, that is to be tried after this one was refused for good."""

    def refused(self, operation: VoucherOperation) -> None:
        """Do what a refusal for good asks for, where nothing follows."""


def of(operation: VoucherOperation) -> VoucherPayment:
    """Return the payment that an operation belongs to."""
    assert operation.payment is not None  # noqa: S101
    return operation.payment
