"""How a sold voucher is taken back: it is set inactive, nothing of it was spent, it is deleted."""

from datetime import datetime

from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import ZERO, Operation
from tests.proofs.simulation.sales.calls import SaleCalls
from voucher_payment_gateway.exceptions import CredentialsError, RefusedError, UnavailableError
from voucher_payment_gateway.rules import resolution, sales

__all__ = ["TakeBack"]


class TakeBack(SaleCalls):
    """Sets a voucher inactive, then deletes it. Each step may be repeated."""

    def take_back_remotely(self, operation: Operation) -> Process:
        """Take the voucher back. Raises RefusedError where something is spent, UnavailableError where it may be."""
        found = yield from self.read_voucher(operation.voucher_id)
        if found and found[0] == "active":
            if (yield from self.spent(operation.voucher_id)) > ZERO:
                raise RefusedError(code="voucher_spent")
            self._note_holds_end(operation, None)
            yield from self.bring_to(operation.voucher_id, "inactive")
        if found:
            yield from self._delete(operation)
        return operation.voucher_id

    def spent(self, voucher_id: str) -> Process:
        """Read what of a voucher was spent."""
        return sales.spent_amount((yield from self.bookings(voucher_id)))

    def bring_to(self, voucher_id: str, status: str) -> Process:
        """Set the status. Where that is refused it may be so already: an earlier request has arrived."""
        try:
            yield from self.set_status(voucher_id, status)
        except (RefusedError, CredentialsError):
            found = yield from self.read_voucher(voucher_id)
            if status != (found[0] if found else "inactive"):
                raise

    def _delete(self, operation: Operation) -> Process:
        try:
            yield from self.delete_remotely(operation.voucher_id)
            return
        except (RefusedError, CredentialsError) as error:
            status = error.http_status
        asked_at = self.now()
        found = yield from self.read_voucher(operation.voucher_id)
        if found is None:
            return
        read_at = self.now()
        rows = yield from self.bookings(operation.voucher_id)
        if sales.spent_amount(rows) > ZERO:
            yield from self.bring_to(operation.voucher_id, "active")
            raise RefusedError(code="voucher_spent")
        is_whole = sales.is_whole(operation.amount, found[1], rows)
        if found[0] == "active" or not is_whole or not rows:
            raise UnavailableError(code="delete_refused", http_status=status)
        self._wait_for_late_activations(operation, asked_at)
        self._wait_for_holds(operation, read_at)

    def _wait_for_late_activations(self, operation: Operation, asked_at: datetime) -> None:
        """Raise UnavailableError where a copy of an activation may have arrived since the voucher was read."""
        sent = [
            step.sending_at
            for step in self.rows.steps(operation.sale_pk)
            if step.sending_at
            and (step.kind == "activate" or (step.kind, step.state) == ("deactivate", "refused"))
        ]
        earliest = sales.stays_inactive_from(max(sent, default=None), self.figures.refund_grace)
        if earliest is not None and asked_at < earliest:
            raise UnavailableError(code="activation_may_arrive")

    def _wait_for_holds(self, operation: Operation, read_at: datetime) -> None:
        """Raise UnavailableError where an earlier hold may have been charged since the bookings were read."""
        holds_end_at = resolution.expiry_of(operation.target_dead_at, read_at)
        self._note_holds_end(operation, holds_end_at)
        if read_at < sales.bookings_are_final_from(holds_end_at, self.figures.list_lag):
            raise UnavailableError(code="hold_may_be_charged")

    def _note_holds_end(self, operation: Operation, holds_end_at: datetime | None) -> None:
        """Store when no hold of the voucher can be charged any more, unless another worker is at it."""
        stored = self.rows.operations[operation.pk]
        if stored.claim == operation.claim:
            stored.target_dead_at = holds_end_at
        operation.target_dead_at = holds_end_at
