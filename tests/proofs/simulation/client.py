"""The three beats as the gateway carries them out, on rows in memory. Every decision is one of the rules.

A method that ends in a call is a process: each of its steps may be the last before a crash, or a long time before the
next. What stands between two yields is done at once or not at all, as in a transaction.
"""

from copy import copy
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Any, Literal

from tests.proofs.simulation.calls import MORNING, Calls
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.remote import Hold
from tests.proofs.simulation.rows import ZERO, Operation, OutdatedError, Payment
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
    """Writes down, calls, and writes down what came of it."""

    # Beat one

    def start(self, draft: Operation, payment: Payment, number: int, **payment_changes: Any) -> Process:
        """Write down an operation and carry it out. Raises OutdatedError where somebody else was first."""
        yield STEP
        draft.created_at = self.now()
        try:
            number = yield from self.prepare(draft, payment, number)
        except NOT_READY:
            self._write(draft, payment, number, payment_changes, state="due", due_at=self.next_look(draft))
            raise
        except RefusedError:
            self._write(draft, payment, number, payment_changes, state="refused")
            self._end_refused(draft)
            raise
        claimed_at = self.loop.now
        self._write(
            draft, payment, number, payment_changes, state="sending", attempts=1, sending_at=self.now()
        )
        yield from self._send(draft, claimed_at)

    def resume(self, operation: Operation) -> Process:
        """Carry out an operation that is due, unless nobody wants it any more or somebody else took it."""
        payment = self.rows.payment(operation.payment_pk)
        if operation.kind == "charge" and payment.cancel_requested_at:
            self.rows.take(operation, state="not_applied")
            return
        yield STEP
        try:
            yield from self.prepare(operation, payment, None)
        except NOT_READY:
            self.rows.take(operation, state="due", due_at=self.next_look(operation))
            raise
        except RefusedError:
            yield from self._refused(operation)
            return
        claimed_at = self.loop.now
        if self.rows.take(
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
        """Set what the call needs; return the number of the order's last operation from then on."""
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
            if any(self.rows.is_pending(rival.pk) for rival in self._rivals(payment)):
                raise UnavailableError
            hold = yield from self.reserve(payment.voucher_id, operation.amount)
            number = self.record_hold(
                payment, hold, self.rows.number(payment.order_number) if number is None else number
            )
        operation.target_id, operation.target_dead_at = payment.hold_id, payment.dead_at
        return number

    def record_hold(self, payment: Payment, hold: Hold, number: int) -> int:
        """Write down what a payment holds; return the number of the order's last operation."""
        if self.rows.number(payment.order_number) != number:
            raise OutdatedError
        until = timing.held_until(self.now())
        server_says = MORNING + timedelta(seconds=hold.valid_until)
        held = {
            "status": "authorized",
            "hold_id": hold.id,
            "reserved_until": until,
            "dead_at": resolution.dead_at(until, server_says),
            "held": hold.amount,
        }
        if payment.pk:
            self.rows.change_payment(payment, **held)
        else:
            for name, value in {"agreed": hold.amount, **held}.items():
                setattr(payment, name, value)
            self.rows.add_payment(payment)
        for rival in self._rivals(payment):
            if not self.rows.is_pending(rival.pk):
                self.rows.change_payment(rival, **self._without_hold(rival, "lapsed"))
        self.rows.numbers[payment.order_number] = number + 1
        return number + 1

    def _rivals(self, payment: Payment) -> list[Payment]:
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
        """Return a charge, not written yet, with an order number of its own."""
        capture = 1 + sum(op.kind == "charge" for op in self.rows.of_payment(payment.pk))
        token = format(self.weather.random.getrandbits(40), "010x")
        return Operation(
            payment.pk,
            payment.order_number,
            payment.voucher_id,
            "charge",
            amount,
            reference=evidence.charge_reference(payment.order_number, capture, token),
        )

    def next_look(self, operation: Operation) -> datetime:
        now = self.now()
        return timing.next_look_at(now, operation.sending_at or operation.created_at or now)

    def _write(
        self, draft: Operation, payment: Payment, number: int | None, changes: dict[str, Any], **fields: Any
    ) -> None:
        for name, value in fields.items():
            setattr(draft, name, value)
        if changes and self.rows.payments[payment.pk].as_read() != payment.as_read():
            raise OutdatedError
        draft.began = self.loop.now
        self.rows.add(draft, number or 0)
        if changes:
            self.rows.change_payment(payment, **changes)
        self.tell(draft.state, draft)

    # Beats two and three

    def _send(self, operation: Operation, claimed_at: float) -> Process:
        yield STEP
        try:
            if not timing.may_begin(self.loop.now, claimed_at + timing.SEND_WINDOW_SECONDS):
                raise UnavailableError
            remote_id = yield from self.book_remotely(operation)
            yield STEP
        except VoucherGatewayError as error:
            yield STEP
            yield from self._not_booked(operation, error)
            return
        self.tell("answered", operation, remote_id)
        try:
            if not self.book(operation, remote_id):
                self._keep_late_answer(operation, remote_id)
        except OutdatedError:
            self._doubt(operation, OutcomeUnknownError())
            self.ask_for_review(operation)

    def _not_booked(self, operation: Operation, error: VoucherGatewayError) -> Process:
        found = verdicts.verdict(error, repeated=operation.attempts > 1)
        self.tell(type(error).__name__, operation, found)
        if found == "refused":
            yield from self._refused(operation)
        elif found == "not_applied":
            attempts = operation.attempts - 1
            self.rows.take(operation, state="due", attempts=attempts, due_at=self.next_look(operation))
        else:
            self._doubt(operation, error)

    def _doubt(self, operation: Operation, error: VoucherGatewayError) -> None:
        refused_at = self.now() if isinstance(error, RefusedError) else None
        self.rows.take(operation, state="unknown", refused_at=refused_at, due_at=self.next_look(operation))

    def book(self, operation: Operation, remote_id: str) -> bool:
        """Write down a booking on the operation and its payment; say whether the claim was still ours."""
        reread_at = resolution.last_read_at(self.now(), sends=operation.attempts, booked=True)
        if not self.rows.take(operation, state="succeeded", remote_id=remote_id, reread_at=reread_at):
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
        self.tell("succeeded", operation, remote_id)
        return True

    def refuse(self, operation: Operation, reread_at: datetime | None = None) -> Operation | None:
        """Write down a refusal for good and what follows; return the operation that follows."""
        if not self.rows.take(operation, state="refused", reread_at=reread_at):
            return None
        self.tell("refused", operation)
        return self._end_refused(operation)

    def _refused(self, operation: Operation) -> Process:
        follow_up = self.refuse(operation)
        if follow_up:
            yield STEP
            yield from self.resume(follow_up)

    def _end_refused(self, operation: Operation) -> Operation | None:
        if operation.kind == "refund":
            self.ask_for_review(operation)
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
        draft.due_at = self.next_look(draft)
        draft.began = self.loop.now
        self.rows.add(draft, self.rows.number(draft.order_number))
        self.rows.change_payment(payment, reserved_until=None)
        return draft

    def _keep_late_answer(self, operation: Operation, remote_id: str) -> None:
        stored = self.rows.operations[operation.pk]
        stored.late_answers.append(remote_id)
        if evidence.needs_review(state=stored.state, recorded_id=stored.remote_id, remote_id=remote_id):
            self.ask_for_review(operation)
