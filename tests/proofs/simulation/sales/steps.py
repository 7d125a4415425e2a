"""The calls of the operations of sales, and what a read proves about one whose outcome is unknown."""

from typing import Any

from tests.proofs.simulation.calls import MORNING
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import Operation, Payment
from tests.proofs.simulation.sales.calls import NOT_READABLE
from tests.proofs.simulation.sales.take_back import TakeBack
from voucher_payment_gateway.exceptions import (
    ContractError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
)
from voucher_payment_gateway.rules import evidence, fallback, timing

__all__ = ["RefundedElsewhereError", "Steps"]


class RefundedElsewhereError(Exception):
    """Refunds that our rows do not have leave too little of the charge; nothing was sent."""


class Steps(TakeBack):
    """Issues, activates, takes back, recharges; and refunds that fall back."""

    def book_remotely(self, operation: Operation) -> Process:
        """Make the calls of an operation within its send window; return the remote id."""
        assert operation.sending_at
        claimed_at = (operation.sending_at - MORNING).total_seconds()
        send_before = claimed_at + timing.SEND_WINDOW_SECONDS
        return self.injector.within(send_before, self._book(operation))

    def _book(self, operation: Operation) -> Process:
        match operation.kind:
            case "issue":
                return (yield from self.issue_remotely(operation))
            case "activate":
                return (yield from self.activate_remotely(operation))
            case "deactivate":
                return (yield from self.take_back_remotely(operation))
            case "recharge":
                return (yield from self.recharge_once(operation))
        return (yield from super().book_remotely(operation))

    def issue_remotely(self, operation: Operation) -> Process:
        """Create the voucher. Where that is refused, it may be there already: an earlier attempt has arrived."""
        cents = int(operation.amount * 100)
        try:
            code = yield from self.create_remotely(operation.voucher_id, cents, operation.pk)
        except RefusedError:
            found = yield from self._read_created(operation)
            if found is None:
                raise
            if found[2] != operation.amount:
                raise OutcomeUnknownError(code="answer_not_ours") from None
            code = found[3]
        if not code:
            found = yield from self._read_created(operation)
            if found is None:
                raise OutcomeUnknownError(code="code_not_answered")
            code = found[3]
        operation.code = code
        return operation.voucher_id

    def _read_created(self, operation: Operation) -> Process:
        """Read what a creation may have made; where that cannot be read, its outcome is unknown."""
        try:
            return (yield from self.read_voucher(operation.voucher_id))
        except NOT_READABLE as error:
            raise OutcomeUnknownError(code=error.code) from None

    def activate_remotely(self, operation: Operation) -> Process:
        """Activate the voucher; after a doubt its status is read first."""
        if operation.attempts > 1:
            found = yield from self.read_voucher(operation.voucher_id)
            if found and found[0] == "active":
                return operation.voucher_id
        yield from self.set_status(operation.voucher_id, "active")
        return operation.voucher_id

    def recharge_once(self, operation: Operation) -> Process:
        """Add money to the voucher, and check that the answer is ours."""
        cents = int(operation.amount * 100)
        row = yield from self.recharge_remotely(
            operation.voucher_id, cents, operation.reference, operation.pk
        )
        ours = {"voucher_id": operation.voucher_id, "reference": operation.reference}
        if not evidence.is_answer_to_charge(
            amount=operation.amount,
            charged=row.amount,
            answered_voucher_id=operation.voucher_id,
            answered_reference=row.order_number,
            **ours,
        ):
            raise OutcomeUnknownError(code="answer_not_ours")
        return row.id

    def read_evidence(self, operation: Operation) -> Process:
        """Read the bookings or the voucher, and judge them."""
        match operation.kind:
            case "issue" | "activate" | "deactivate":
                found = yield from self.read_voucher(operation.voucher_id)
                return _voucher_evidence(operation, found)
            case "recharge":
                return (yield from self._recharge_evidence(operation))
            case "refund":
                return (yield from self._refund_evidence(operation))
        return (yield from super().read_evidence(operation))

    def _recharge_evidence(self, operation: Operation) -> Process:
        ours = self.rows.remote_ids(operation.voucher_id)
        rows = yield from self.bookings(operation.voucher_id)
        return evidence.charge_evidence(
            rows, reference=operation.reference, amount=operation.amount, ours=ours, kind="recharge"
        )

    def _refund_evidence(self, operation: Operation) -> Process:
        """A refund by hand may be why ours is refused: then a person decides whether money goes back otherwise."""
        read: list[Any] = []
        ours = self.rows.remote_ids(operation.voucher_id)
        self._note_bookings = read.extend
        found = yield from super().read_evidence(operation)
        meanwhile = {"baseline": operation.baseline or (), "ours": ours, "reference": operation.reference}
        if found.verdict == "absent" and self.falls_back() and evidence.refunded_meanwhile(read, **meanwhile):
            return evidence.AMBIGUOUS
        return found

    _note_bookings: Any = None

    def bookings(self, voucher_id: str) -> Process:
        """Read all bookings of a voucher; a list that is refused proves nothing."""
        note, self._note_bookings = self._note_bookings, None
        try:
            rows = yield from super().bookings(voucher_id)
        except RefusedError as error:
            raise ContractError(code="bookings_unreadable", http_status=error.http_status) from None
        if note:
            note(rows)
        return rows

    def falls_back(self) -> bool:
        return fallback.falls_back(self.rungs)

    def prepare(self, operation: Operation, payment: Payment, number: int | None) -> Process:
        """Set what the call of a charge or refund needs; the other kinds need nothing."""
        if operation.kind == "charge":
            return (yield from super().prepare(operation, payment, number))
        if operation.kind == "refund" and (operation.baseline is None or not operation.attempts):
            rows = yield from self._readable_bookings(operation.voucher_id)
            operation.baseline = [row.id for row in rows if row.type == "refund"]
            if evidence.refunded_elsewhere(
                rows,
                charge_id=operation.target_id,
                reference=operation.reference,
                amount=operation.amount,
                ours=lambda: self.recorded_refunds(operation.voucher_id),
            ):
                raise RefundedElsewhereError
        return number

    def recorded_refunds(self, voucher_id: str) -> set[str]:
        """Return the ids of the refunds on a voucher that are in our rows."""
        refunds = [op for op in self.rows.operations.values() if op.kind == "refund"]
        return {op.remote_id for op in refunds if op.voucher_id == voucher_id and op.remote_id}

    def _readable_bookings(self, voucher_id: str) -> Process:
        """Read the bookings; none of a voucher that is gone, where its refund is followed by another rung."""
        try:
            return (yield from self.bookings(voucher_id))
        except ContractError as error:
            if self.falls_back() and (yield from self.is_gone(voucher_id)):
                return []
            raise UnavailableError(code="baseline_unreadable", http_status=error.http_status) from None


def _voucher_evidence(operation: Operation, found: Any) -> evidence.Evidence:
    """Return what a voucher proves about an operation that books nothing."""
    match operation.kind:
        case "deactivate":
            is_proof = found is None
        case "activate":
            is_proof = found is not None and found[0] == "active"
        case _:
            if found is not None and found[2] != operation.amount:
                return evidence.AMBIGUOUS
            is_proof = found is not None
            operation.code = found[3] if found is not None else ""
    return evidence.Evidence("found", operation.voucher_id) if is_proof else evidence.ABSENT
