"""The verbs of a shop, and the sweep that finishes open operations."""

from collections.abc import Callable, Iterable
from copy import copy
from datetime import timedelta
from decimal import Decimal

from tests.proofs.simulation.faults import DEADLINE_SECONDS
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.resolver import Resolver
from tests.proofs.simulation.rows import ZERO, ConflictError, Operation, Payment
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.rules import timing, verdicts
from voucher_payment_gateway.rules.states import HELD_BEFORE, MONEY_KINDS, OPEN_STATES

__all__ = ["Shop"]

MAX_CONFLICTS, MAX_CHARGES = 12, 4
CANCELLABLE = ("authorized", "lapsed", "captured", "refunded")
FINAL_STATUSES = ("cancelled", "refunded", "failed")


class Shop(Resolver):
    """Authorizes, captures, refunds, cancels and sweeps."""

    def authorize(self, order_number: str, voucher_id: str, amount: Decimal) -> Process:
        """Reserve an amount for a new payment; return its key, or None."""
        number = self.rows.number(order_number)
        try:
            hold = yield from self.reserve(voucher_id, amount)
            payment = Payment(order_number, voucher_id)
            self.record_hold(payment, hold, number)
        except (VoucherGatewayError, ConflictError):
            return None
        return payment.pk

    def capture(self, pk: int, amount: Decimal | None = None) -> Process:
        """Charge the amount of a payment, or a part of it."""
        yield from self._retry_on_conflict(lambda: self._capture(pk, amount))

    def _capture(self, pk: int, amount: Decimal | None) -> Process:
        payment, number = self.rows.payment(pk), self._number(pk)
        operations = self.rows.of_payment(pk)
        if any(
            op.state in OPEN_STATES or (op.kind == "charge" and op.state == "manual") for op in operations
        ):
            for operation in operations:
                if operation.kind == "charge" and operation.state == "due":
                    yield from self.execute_due(operation)
            return
        left = payment.agreed - payment.captured if payment.has_code else payment.held
        statuses = (*HELD_BEFORE, "captured") if amount is not None else HELD_BEFORE
        share = min(amount or left, left)
        if payment.status in statuses and payment.cancel_requested_at is None and share > ZERO:
            yield from self.execute_new(self.draft_charge(payment, share), payment, number)

    def refund(self, pk: int, amount: Decimal | None = None, *, cancelling: bool = False) -> Process:
        """Refund a part of a payment, or all that is left, charge by charge."""
        for _ in range(MAX_CHARGES):
            before = self.rows.payments[pk].refunded
            yield from self._retry_on_conflict(lambda: self._refund(pk, amount, cancelling))
            if amount is not None or self.rows.payments[pk].refunded == before:
                return

    def _refund(self, pk: int, amount: Decimal | None, cancelling: bool) -> Process:
        payment, number = self.rows.payment(pk), self._number(pk)
        operations = self.rows.of_payment(pk)
        if any(op.state in OPEN_STATES for op in operations):
            return
        charge, left = self._newest_charge(operations)
        if charge is None or (amount or left) > left:
            return
        draft = Operation(
            pk,
            payment.order_number,
            payment.voucher_id,
            "refund",
            amount or left,
            target_id=charge.remote_id,
            reference=charge.reference,
        )
        cancel_request = {"cancel_requested_at": self.now()} if cancelling else {}
        yield from self.execute_new(draft, payment, number, **cancel_request)

    def _newest_charge(self, operations: list[Operation]) -> tuple[Operation | None, Decimal]:
        """Return the newest charge with a refundable remainder, and that remainder."""
        gone: dict[str, Decimal] = {}
        for op in operations:
            if op.kind == "refund" and verdicts.counts_as_refunded(op.state):
                gone[op.target_id] = gone.get(op.target_id, ZERO) + op.amount
        for op in reversed(operations):
            if op.kind == "charge" and op.state == "succeeded" and op.amount > gone.get(op.remote_id, ZERO):
                return op, op.amount - gone.get(op.remote_id, ZERO)
        return None, ZERO

    def cancel(self, pk: int) -> Process:
        """Cancel a payment in any state."""
        yield from self._retry_on_conflict(lambda: self._cancel(pk))

    def _cancel(self, pk: int) -> Process:
        payment = self.rows.payment(pk)
        if payment.status in FINAL_STATUSES:
            return
        operations = [op for op in self.rows.of_payment(pk) if op.kind in MONEY_KINDS]
        if verdicts.before_cancel((op.kind, op.state) for op in operations) == "wait":
            asked_at = payment.cancel_requested_at or self.now()
            self.rows.change_payment(payment, cancel_requested_at=asked_at)
            return
        for operation in operations:
            if operation.state == "due":
                self.rows.compare_and_set(operation, state="not_applied")
        if payment.captured > payment.refunded:
            yield from self.refund(pk, cancelling=True)
            return
        self.rows.change_payment(
            payment,
            status="cancelled",
            held=ZERO,
            reserved_until=None,
            has_code=False,
            cancel_requested_at=self.now(),
        )
        self.rows.numbers[payment.order_number] = self.rows.number(payment.order_number) + 1
        yield from self.release(payment.hold_id)

    def _retry_on_conflict(self, decision: Callable[[], Process]) -> Process:
        """Run a decision; retry it on conflict."""
        for _ in range(MAX_CONFLICTS):
            try:
                yield from decision()
            except ConflictError:
                continue
            except VoucherGatewayError:
                pass
            return

    def _number(self, pk: int) -> int:
        return self.rows.number(self.rows.payments[pk].order_number)

    def sweep(self) -> Process:
        """Finish operations that are due, abandoned, unknown, requested to be cancelled, or due for a last read."""
        now, lease = self.now(), timedelta(seconds=timing.lease_seconds(DEADLINE_SECONDS))
        for operation in self._open("sending"):
            if operation.sending_at and operation.sending_at < now - lease:
                self._expire_lease(operation)
        for operation in self._open("due"):
            yield from self._attempt(operation, self.execute_due)
        for operation in self._open("unknown"):
            yield from self._attempt(operation, self.resolve)
        for payment in list(self.rows.cancel_requests.values()):
            if self._can_carry_out_cancel(payment):
                yield from self._carry_out_cancel(payment.pk)
        due = [row for row in self.rows.to_reread.values() if row.reread_at and row.reread_at <= now]
        for operation in [*map(copy, due)]:
            yield from self._attempt(operation, self.read_again)

    def _open(self, state: str) -> Iterable[Operation]:
        now = self.now()
        return [
            copy(row)
            for row in self.rows.open.values()
            if row.state == state and (state == "sending" or row.due_at is None or row.due_at <= now)
        ]

    def _attempt(self, operation: Operation, do: Callable[[Operation], Process]) -> Process:
        try:
            yield from do(operation)
        except (VoucherGatewayError, ConflictError):
            return

    def _expire_lease(self, operation: Operation) -> None:
        state = timing.after_lease(operation.kind)
        if self.rows.compare_and_set(operation, state=state, due_at=operation.sending_at):
            self.log("abandoned", operation, state)

    def _can_carry_out_cancel(self, payment: Payment) -> bool:
        asked_at = payment.cancel_requested_at
        if asked_at is None or payment.status not in CANCELLABLE:
            return False
        for op in self.rows.operations.values():
            if op.payment_pk != payment.pk:
                continue
            if op.state in OPEN_STATES or op.state == "manual":
                return False
            if op.kind == "refund" and op.state == "refused" and op.created_at and op.created_at >= asked_at:
                return False
        return True

    def _carry_out_cancel(self, pk: int) -> Process:
        payment = self.rows.payment(pk)
        if payment.status == "refunded":
            self.rows.change_payment(payment, status="cancelled")
            return
        yield from self.cancel(pk)
