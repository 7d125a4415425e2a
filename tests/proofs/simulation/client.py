"""How the gateway executes an operation (write ahead, send, record), on rows in memory. The rules decide.

A method that makes a call is a process: it may crash or stall at each ``yield``. The code between two yields is atomic,
like a transaction.
"""

from copy import copy
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Any, Literal

from tests.proofs.simulation.calls import MORNING, Calls
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.remote import Hold
from tests.proofs.simulation.rows import ZERO, ConflictError, Operation, Payment
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.rules import (
    evidence,
    resolution,
    states,
    timing,
    verdicts,
)

__all__ = ["STEP", "Client"]

NOT_READY = (UnavailableError, CredentialsError, ContractError)
STEP = 0.02
"""Seconds between two steps of a process."""


class Client(Calls):
    """Executes operations: write ahead, send, record."""

    def execute_new(self, draft: Operation, payment: Payment, number: int, **payment_changes: Any) -> Process:
        """Create an operation and execute it. Raises ConflictError where another worker wrote first."""
        yield STEP
        draft.created_at = self.now()
        try:
            number = yield from self.prepare(draft, payment, number)
        except NOT_READY:
            self._create(
                draft, payment, number, payment_changes, state="due", due_at=self.next_attempt_at(draft)
            )
            raise
        except RefusedError:
            # The gateway gets here by way of due and sending; no other process runs in between.
            self._create(draft, payment, number, payment_changes, state="refused")
            self._on_refused(draft)
            raise
        claimed_at = self.loop.now
        self._create(
            draft, payment, number, payment_changes, state="sending", attempts=1, sending_at=self.now()
        )
        yield from self._send(draft, claimed_at)

    def execute_due(self, operation: Operation) -> Process:
        """Execute an operation that is due, unless its payment is being cancelled or another worker has leased it."""
        payment = self.rows.payment(operation.payment_pk)
        if operation.kind == "charge" and payment.cancel_requested_at:
            self.rows.compare_and_set(operation, state="not_applied")
            return
        yield STEP
        try:
            yield from self.prepare(operation, payment, None)
        except NOT_READY:
            self.rows.compare_and_set(operation, state="due", due_at=self.next_attempt_at(operation))
            raise
        except RefusedError:
            if self.rows.compare_and_set(operation, state="sending"):
                yield from self._refused(operation)
            return
        claimed_at = self.loop.now
        if self.rows.compare_and_set(
            operation,
            state="sending",
            attempts=operation.attempts + 1,
            sending_at=self.now(),
            target_id=operation.target_id,
            target_dead_at=operation.target_dead_at,
            baseline=operation.baseline,
            fence_at=None,
            absent_at=None,
            refused_at=None,
        ):
            yield from self._send(operation, claimed_at)

    def prepare(self, operation: Operation, payment: Payment, number: int | None) -> Process:
        """Set the fields that the call needs; return the number of the order's last operation afterwards."""
        if operation.kind == "refund":
            if operation.baseline is None:
                rows = yield from self.bookings(operation.voucher_id)
                operation.baseline = [row.id for row in rows if row.type == "refund"]
            return number
        usable = payment.status == "authorized" and timing.may_be_charged(
            payment.reserved_until, self.now(), held=payment.held, amount=operation.amount
        )
        if not usable:
            if not payment.has_code:
                raise RefusedError
            if any(self.rows.is_pending(other.pk) for other in self._competing(payment)):
                raise UnavailableError
            hold = yield from self.reserve(payment.voucher_id, operation.amount)
            number = self.record_hold(
                payment, hold, self.rows.number(payment.order_number) if number is None else number
            )
        operation.target_id, operation.target_dead_at = payment.hold_id, payment.dead_at
        return number

    def record_hold(self, payment: Payment, hold: Hold, number: int) -> int:
        """Record the hold of a payment; return the number of the order's last operation."""
        if self.rows.number(payment.order_number) != number:
            raise ConflictError
        until = timing.held_until(self.now())
        server_says = MORNING + timedelta(seconds=hold.valid_until)
        held = {
            "status": "authorized",
            "hold_id": hold.id,
            "reserved_until": until,
            "dead_at": resolution.expired_at(until, server_says),
            "held": hold.amount,
        }
        if payment.pk:
            self.rows.change_payment(payment, **held)
        else:
            for name, value in {"agreed": hold.amount, **held}.items():
                setattr(payment, name, value)
            self.rows.add_payment(payment)
        for other in self._competing(payment):
            if not self.rows.is_pending(other.pk):
                self.rows.change_payment(other, **self._without_hold(other, "lapsed"))
        self.rows.numbers[payment.order_number] = number + 1
        return number + 1

    def _competing(self, payment: Payment) -> list[Payment]:
        """Return the other payments that hold the same voucher."""
        return [
            copy(row)
            for row in self.rows.payments.values()
            if row.voucher_id == payment.voucher_id and row.pk != payment.pk and row.status == "authorized"
        ]

    def _without_hold(self, payment: Payment, otherwise: Literal["lapsed", "failed"]) -> dict[str, Any]:
        status = states.status_without_hold(payment.captured, payment.refunded, otherwise=otherwise)
        return {"status": status, "held": ZERO, "reserved_until": None}

    def draft_charge(self, payment: Payment, amount: Decimal) -> Operation:
        """Return an unsaved charge with a unique reference."""
        capture = 1 + sum(op.kind == "charge" for op in self.rows.of_payment(payment.pk))
        token = format(self.injector.random.getrandbits(40), "010x")
        return Operation(
            payment.pk,
            payment.order_number,
            payment.voucher_id,
            "charge",
            amount,
            reference=evidence.charge_reference(payment.order_number, capture, token),
        )

    def next_attempt_at(self, operation: Operation) -> datetime:
        now = self.now()
        return timing.next_attempt_at(now, operation.sending_at or operation.created_at or now)

    def _create(
        self, draft: Operation, payment: Payment, number: int | None, changes: dict[str, Any], **fields: Any
    ) -> None:
        for name, value in fields.items():
            setattr(draft, name, value)
        if changes and self.rows.payments[payment.pk].as_read() != payment.as_read():
            raise ConflictError
        draft.began = self.loop.now
        self.rows.add(draft, number or 0)
        if changes:
            self.rows.change_payment(payment, **changes)
        self.log(draft.state, draft)

    def _send(self, operation: Operation, claimed_at: float) -> Process:
        yield STEP
        try:
            if not timing.may_begin(self.loop.now, claimed_at + timing.SEND_WINDOW_SECONDS):
                raise UnavailableError
            remote_id = yield from self.book_remotely(operation)
            yield STEP
        except VoucherGatewayError as error:
            yield STEP
            yield from self._record_failure(operation, error)
            return
        self.log("answered", operation, remote_id)
        try:
            if not self.succeed(operation, remote_id):
                self._record_late_answer(operation, remote_id)
        except ConflictError:
            self._mark_unknown(operation, OutcomeUnknownError())
            self.request_review(operation)

    def _record_failure(self, operation: Operation, error: VoucherGatewayError) -> Process:
        found = verdicts.verdict(error, repeated=operation.attempts > 1)
        self.log(type(error).__name__, operation, found)
        if found == "refused":
            yield from self._refused(operation)
        elif found == "not_applied":
            attempts = operation.attempts - 1
            self.rows.compare_and_set(
                operation, state="due", attempts=attempts, due_at=self.next_attempt_at(operation)
            )
        else:
            self._mark_unknown(operation, error)

    def _mark_unknown(self, operation: Operation, error: VoucherGatewayError) -> None:
        refused_at = self.now() if isinstance(error, RefusedError) else None
        self.rows.compare_and_set(
            operation, state="unknown", refused_at=refused_at, due_at=self.next_attempt_at(operation)
        )

    def succeed(self, operation: Operation, remote_id: str) -> bool:
        """Record a booking on the operation and its payment; return whether the claim was still ours."""
        trailing = resolution.trailing_read_at(self.now(), sends=operation.attempts, booked=True)
        reread_at = trailing or operation.reread_at
        if not self.rows.compare_and_set(
            operation, state="succeeded", remote_id=remote_id, reread_at=reread_at
        ):
            return False
        payment = self.rows.payment(operation.payment_pk)
        if operation.kind == "charge":
            captured = payment.captured + operation.amount
            self.rows.change_payment(
                payment,
                status="captured",
                captured=captured,
                held=ZERO,
                reserved_until=None,
                has_code=payment.has_code and captured < payment.agreed,
            )
        else:
            refunded = payment.refunded + operation.amount
            status = verdicts.status_after_refund(
                refunded=refunded,
                captured=payment.captured,
                cancelling=payment.cancel_requested_at is not None,
            )
            ended = {"status": status, "held": ZERO, "reserved_until": None, "has_code": False}
            self.rows.change_payment(payment, refunded=refunded, **(ended if status != "captured" else {}))
        self.log("succeeded", operation, remote_id)
        return True

    def refuse(self, operation: Operation, reread_at: datetime | None = None) -> Operation | None:
        """Record a final refusal; return the operation that replaces the refused one, or None."""
        if not self.rows.compare_and_set(operation, state="refused", reread_at=reread_at):
            return None
        self.log("refused", operation)
        return self._on_refused(operation)

    def _refused(self, operation: Operation) -> Process:
        retry = self.refuse(operation)
        if retry:
            yield STEP
            yield from self.execute_due(retry)

    def _on_refused(self, operation: Operation) -> Operation | None:
        if operation.kind == "refund":
            self.request_review(operation)
            return None
        payment = self.rows.payment(operation.payment_pk)
        charged = [op.state for op in self.rows.of_payment(payment.pk) if op.kind == "charge"]
        refused = sum(1 for _ in takewhile(lambda state: state == "refused", reversed(charged)))
        usable = payment.status == "authorized" and timing.is_usable(payment.reserved_until, self.now())
        follows = verdicts.after_refused_charge(
            sends=operation.attempts,
            refused=refused,
            has_code=payment.has_code,
            cancelling=payment.cancel_requested_at is not None,
            hold_is_usable=usable,
        )
        if follows == "fail":
            self.rows.change_payment(payment, **self._without_hold(payment, "failed"), has_code=False)
        if follows != "charge_again":
            return None
        draft = self.draft_charge(payment, operation.amount)
        draft.created_at = self.now()
        draft.due_at = self.next_attempt_at(draft)
        draft.began = self.loop.now
        self.rows.add(draft, self.rows.number(draft.order_number))
        self.rows.change_payment(payment, reserved_until=None)
        return draft

    def _record_late_answer(self, operation: Operation, remote_id: str) -> None:
        stored = self.rows.operations[operation.pk]
        stored.late_answers.append(remote_id)
        if evidence.late_answer_needs_review(
            state=stored.state, recorded_id=stored.remote_id, remote_id=remote_id
        ):
            self.request_review(operation)
