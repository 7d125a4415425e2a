"""How one kind of operation is prepared, called and recorded: the base class of all handlers.

``execute`` drives a handler through the three beats; ``registry`` lists the handlers by kind. A subclass overrides the
steps in which its kind differs.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.evidence import Evidence

__all__ = ["OperationHandler", "RefundedElsewhereError"]


class RefundedElsewhereError(Exception):
    """So much of the charge went back without our records knowing it that the refund would exceed it; nothing was
    sent."""


class OperationHandler:
    """The steps of one kind of operation, in the order in which they are called."""

    kind: ClassVar[str]
    """The kind as the operation's row has it."""

    is_booking: ClassVar[bool] = True
    """Whether a success is one of the voucher's bookings. Where not, ``voucher_evidence`` reads the voucher itself."""

    verifies_refusals: ClassVar[bool] = False
    """Whether a clear "no" is believed only after a read of the voucher's bookings: an intermediary may have repeated
    the request and shown the answer to the repetition."""

    def verifies_refusal_of(self, operation: VoucherOperation) -> bool:
        """Return whether a clear "no" to this operation is believed only after such a read."""
        return self.verifies_refusals

    def is_cancelled(self, operation: VoucherOperation) -> bool:
        """Return whether a due operation must not be sent any more, by the rows as they are now."""
        return False

    def replanned(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Return the operation to send in place of a due one, by the order as it is committed now: usually the same.
        None where the order needs nothing of it any more."""
        return operation

    def reserves_first(self, operation: VoucherOperation) -> bool:
        """Return whether ``prepare`` changes something at the Voucher Cloud. Then the row is set to ``sending`` first,
        which excludes other workers."""
        return False

    def reads_before_reserving(self, operation: VoucherOperation, *, was_left_due: bool) -> bool:
        """Return whether the bookings are read before ``prepare`` reserves: the reservation has ended, or the operation
        ``was_left_due``, and another database that remembers the same past may have carried it out."""
        return False

    def reads_ahead(self, operation: VoucherOperation) -> bool:
        """Return whether ``prepare`` reads what ``read_ahead`` may have read before it."""
        return False

    def read_ahead(self, operation: VoucherOperation) -> None:
        """Read what ``prepare`` needs, together with other operations. It uses no row: it may run in any thread."""

    def prepare(self, operation: VoucherOperation) -> None:
        """Set what the call needs, by reading or reserving. Moves no money."""

    def call(self, operation: VoucherOperation) -> str:
        """Make the call, check the answer, and return the remote id of the booking."""
        raise NotImplementedError

    def evidence(
        self, operation: VoucherOperation, bookings: Sequence[Charge], ours: Collection[str]
    ) -> Evidence:
        """Return what the voucher's ``bookings`` prove about an operation whose outcome is unknown. Those whose id is
        in ``ours`` are recorded already."""
        raise NotImplementedError

    def voucher_evidence(self, operation: VoucherOperation) -> Evidence:
        """Read the voucher, and return what it proves about an operation that books nothing."""
        raise NotImplementedError

    def is_recorded(self, operation: VoucherOperation) -> bool:
        """Return whether our rows have already what ``voucher_evidence`` would find: a trailing read tells nothing
        then."""
        return False

    def subject_changes(self, operation: VoucherOperation) -> Mapping[str, Any]:
        """Return how the payment, or the sale, changes when ``operation`` succeeds."""
        return {}

    def on_succeeded(self, operation: VoucherOperation) -> None:
        """Record what a success means for other rows than its payment or sale, in the same transaction."""

    def announce(self, operation: VoucherOperation) -> None:
        """Send the signals of a success."""

    def retry_with(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Return another operation, not saved yet, to be tried after this one was refused for good."""
        return None

    def on_not_applied(self, operation: VoucherOperation) -> None:
        """Record what it means for the payment or sale that a person has said that nothing was booked."""

    def on_refused(self, operation: VoucherOperation) -> None:
        """Record what a refusal for good means for the payment, where no other operation follows."""
