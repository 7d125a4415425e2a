"""What a shop asks for, and the sweep that finishes what was left behind."""

from collections.abc import Callable, Iterable
from copy import copy
from datetime import timedelta
from decimal import Decimal

from tests.proofs.simulation.faults import DEADLINE_SECONDS
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.resolver import Resolver
from tests.proofs.simulation.rows import ZERO, Operation, OutdatedError, Payment
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.rules import timing, verdicts
from voucher_payment_gateway.rules.states import HELD_BEFORE, MONEY_KINDS, OPEN_STATES

__all__ = ["Shop"]

DECISIONS, MOST_CHARGES = 12, 4
UNENDED = ("authorized", "lapsed", "captured", "refunded")
ENDED = ("cancelled", "refunded", "failed")


class Shop(Resolver):
    """Authorizes, captures, refunds, cancels and sweeps."""

    def authorize(self, order_number: str, voucher_id: str, amount: Decimal) -> Process:
        """Hold an amount for a new payment; return its key, or None."""
        number = self.rows.number(order_number)
        try:
            hold = yield from self.reserve(voucher_id, amount)
            payment = Payment(order_number, voucher_id)
            self.record_hold(payment, hold, number)
        except (VoucherGatewayError, OutdatedError):
            return None
        return payment.pk

    def capture(self, pk: int, amount: Decimal | None = None) -> Process:
        """Charge what a payment holds, or a part of it."""
        yield from self._decide(lambda: self._capture(pk, amount))

    def _capture(self, pk: int, amount: Decimal | None) -> Process:
        payment, number = self.rows.payment(pk), self._number(pk)
        operations = self.rows.of_payment(pk)
        if any(
            op.state in OPEN_STATES or (op.kind == "charge" and op.state == "manual") for op in operations
        ):
            for operation in operations:
                if operation.kind == "charge" and operation.state == "due":
                    yield from self.resume(operation)
            return
        left = payment.agreed - payment.captured if payment.has_code else payment.held
        statuses = (*HELD_BEFORE, "captured") if amount is not None else HELD_BEFORE
        share = min(amount or left, left)
        if payment.status in statuses and payment.cancel_requested_at is None and share > ZERO:
            yield from self.start(self.draft_charge(payment, share), payment, number)

    def refund(self, pk: int, amount: Decimal | None = None, *, cancelling: bool = False) -> Process:
        """Give back what was charged, or a part of it; all that is left, charge by charge."""
        for _ in range(MOST_CHARGES):
            before = self.rows.payments[pk].refunded
            yield from self._decide(lambda: self._refund(pk, amount, cancelling))
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
        wish = {"cancel_requested_at": self.now()} if cancelling else {}
        yield from self.start(draft, payment, number, **wish)

    def _newest_charge(self, operations: list[Operation]) -> tuple[Operation | None, Decimal]:
        """Return the newest charge of which something can still go back, and how much."""
        gone: dict[str, Decimal] = {}
        for op in operations:
            if op.kind == "refund" and verdicts.counts_as_given_back(op.state):
                gone[op.target_id] = gone.get(op.target_id, ZERO) + op.amount
        for op in reversed(operations):
            if op.kind == "charge" and op.state == "succeeded" and op.amount > gone.get(op.remote_id, ZERO):
                return op, op.amount - gone.get(op.remote_id, ZERO)
        return None, ZERO

    def cancel(self, pk: int) -> Process:
        """Give up a payment, whatever state it is in."""
        yield from self._decide(lambda: self._cancel(pk))

    def _cancel(self, pk: int) -> Process:
        payment = self.rows.payment(pk)
        if payment.status in ENDED:
            return
        operations = [op for op in self.rows.of_payment(pk) if op.kind in MONEY_KINDS]
        if verdicts.before_cancel((op.kind, op.state) for op in operations) == "wait":
            asked_at = payment.cancel_requested_at or self.now()
            self.rows.change_payment(payment, cancel_requested_at=asked_at)
            return
        for operation in operations:
            if operation.state == "due":
                self.rows.take(operation, state="not_applied")
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

    def _decide(self, decision: Callable[[], Process]) -> Process:
        """Make a decision, anew as long as it was outdated when it was to be written."""
        for _ in range(DECISIONS):
            try:
                yield from decision()
            except OutdatedError:
                continue
            except VoucherGatewayError:
                pass
            return

    def _number(self, pk: int) -> int:
        return self.rows.number(self.rows.payments[pk].order_number)

    # The sweep

    def sweep(self) -> Process:
        """Finish what is due, was abandoned, is unknown, is wished for, or is to be read once more."""
        now, lease = self.now(), timedelta(seconds=timing.lease_seconds(DEADLINE_SECONDS))
        for operation in self._open("sending"):
            if operation.sending_at and operation.sending_at < now - lease:
                self._give_up_waiting(operation)
        for operation in self._open("due"):
            yield from self._do(operation, self.resume)
        for operation in self._open("unknown"):
            yield from self._do(operation, self.resolve)
        for payment in list(self.rows.wishes.values()):
            if self._wish_can_be_carried_out(payment):
                yield from self._carry_out_wish(payment.pk)
        for operation in [copy(row) for row in self.rows.to_reread.values()]:
            if operation.reread_at and operation.reread_at <= now:
                yield from self._do(operation, self.read_again)

    def _open(self, state: str) -> Iterable[Operation]:
        now = self.now()
        return [
            copy(row)
            for row in self.rows.open.values()
            if row.state == state and (state == "sending" or row.due_at is None or row.due_at <= now)
        ]

    def _do(self, operation: Operation, do: Callable[[Operation], Process]) -> Process:
        try:
            yield from do(operation)
        except (VoucherGatewayError, OutdatedError):
            return

    def _give_up_waiting(self, operation: Operation) -> None:
        state = timing.after_lease(operation.kind)
        if self.rows.take(operation, state=state, due_at=operation.sending_at):
            self.tell("abandoned", operation, state)

    def _wish_can_be_carried_out(self, payment: Payment) -> bool:
        asked_at = payment.cancel_requested_at
        if asked_at is None or payment.status not in UNENDED:
            return False
        for op in self.rows.operations.values():
            if op.payment_pk != payment.pk:
                continue
            if op.state in OPEN_STATES or op.state == "manual":
                return False
            if op.kind == "refund" and op.state == "refused" and op.created_at and op.created_at >= asked_at:
                return False
        return True

    def _carry_out_wish(self, pk: int) -> Process:
        payment = self.rows.payment(pk)
        if payment.status == "refunded":
            self.rows.change_payment(payment, status="cancelled")
            return
        yield from self.cancel(pk)
