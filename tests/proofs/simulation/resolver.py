"""Resolving unknown outcomes step by step, as the gateway does; which step is one of the rules."""

from datetime import datetime, timedelta
from typing import Literal

from tests.proofs.simulation.client import STEP, Client
from tests.proofs.simulation.faults import DEADLINE_SECONDS
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import Operation, OutdatedError, Payment
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.rules import evidence, resolution, timing

__all__ = ["Resolver"]


class Resolver(Client):
    """A client that finds out."""

    def resolve(self, operation: Operation) -> Process:
        """Take one step with an unknown operation."""
        lease = timedelta(seconds=timing.lease_seconds(DEADLINE_SECONDS))
        if not self.rows.take(operation, due_at=self.now() + lease):
            return
        payment = self.rows.payment(operation.payment_pk)
        yield STEP
        read_at = self.now()
        found = yield from self.evidence_of(operation)
        yield STEP
        if found.verdict == "found":
            self.tell("found", operation, found.remote_id)
            self.book(operation, found.remote_id)
        elif found.verdict == "ambiguous":
            self._hand_over(operation)
        else:
            yield from self._after_absence(operation, payment, read_at)

    def read_again(self, operation: Operation) -> Process:
        """Look once more for what a repetition may have left behind."""
        reread_at = operation.reread_at
        found = yield from self.evidence_of(operation)
        yield STEP
        stored = self.rows.operations[operation.pk]
        if stored.reread_at == reread_at:
            stored.reread_at = None
            self.rows.to_reread.pop(operation.pk, None)
            if found.verdict != "absent":
                self.ask_for_review(operation)

    def evidence_of(self, operation: Operation) -> Process:
        """Read the bookings and say what they prove; our own ids are those known before the read."""
        ours = self.rows.remote_ids(operation.voucher_id)
        rows = yield from self.bookings(operation.voucher_id)
        if operation.kind == "charge":
            return evidence.charge_evidence(
                rows, reference=operation.reference, amount=operation.amount, ours=ours
            )
        charge = next((row for row in rows if row.id == operation.target_id), None)
        return evidence.refund_evidence(
            rows,
            amount=operation.amount,
            baseline=operation.baseline or (),
            ours=ours,
            reference=operation.reference,
            client_id=(charge and charge.client_id) or "",
        )

    def _after_absence(self, operation: Operation, payment: Payment, read_at: datetime) -> Process:
        doubt = resolution.Doubt(
            kind=operation.kind,
            sent_at=operation.sending_at or operation.created_at or read_at,
            fence_at=operation.fence_at,
            absent_at=operation.absent_at,
            refused_at=operation.refused_at,
        )
        step = resolution.after_absence(doubt, read_at, self.figures)
        match step.do:
            case "wait":
                self.rows.take(operation, due_at=self._at_the_latest(step.until, operation))
            case "note_absence":
                self.rows.take(operation, absent_at=read_at, due_at=step.until)
            case "fence":
                yield from self._fence(operation, payment)
            case "refused":
                yield from self._give_up_refused(operation)
            case "not_booked":
                yield from self._repeat_or_end(operation, payment)

    def _at_the_latest(self, instant: datetime | None, operation: Operation) -> datetime:
        soon = self.next_look(operation)
        return min(instant, soon) if instant is not None else soon

    def _fence(self, operation: Operation, payment: Payment) -> Process:
        failed: list[resolution.Fence] = []
        while True:
            fence = resolution.next_fence(
                wanted=self._is_wanted(operation, payment),
                release_works=self.remote.behaviour.release_works,
                failed=failed,
            )
            if fence == "death":
                self._store_fence(operation, resolution.death_of(operation.target_dead_at, self.now()))
                return
            if (yield from self._have(fence, operation, payment)):
                return
            failed.append(fence)

    def _have(self, fence: Literal["reserve", "release"], operation: Operation, payment: Payment) -> Process:
        """Have this fence and store it; say whether it stands, or raise what its call raised."""
        error, hold = None, None
        try:
            if fence == "reserve":
                hold = yield from self.reserve(payment.voucher_id, operation.amount)
            else:
                yield from self.release(operation.target_id)
        except VoucherGatewayError as raised:
            error = raised
        yield STEP
        standing = resolution.standing(fence, error)
        if standing == "again" and error:
            raise error
        if standing == "fails":
            return False
        if self.rows.operations[operation.pk].claim != operation.claim:
            raise OutdatedError
        if hold:
            self.record_hold(payment, hold, self.rows.number(payment.order_number))
        elif fence == "release":
            self.rows.change_payment(payment, reserved_until=None)
        self._store_fence(operation, self.now())
        return True

    def _store_fence(self, operation: Operation, fence_at: datetime) -> None:
        certain_at = fence_at + self.figures.list_lag
        self.rows.take(operation, fence_at=fence_at, due_at=self._at_the_latest(certain_at, operation))

    def _is_wanted(self, operation: Operation, payment: Payment) -> bool:
        return resolution.is_wanted(
            operation.kind, cancelling=payment.cancel_requested_at is not None, has_code=payment.has_code
        )

    def _repeat_or_end(self, operation: Operation, payment: Payment) -> Process:
        what = resolution.after_certainty(
            wanted=self._is_wanted(operation, payment),
            sends=operation.attempts,
            cancelling=payment.cancel_requested_at is not None,
        )
        self.tell("certain", operation, what)
        if what == "repeat":
            if self.rows.take(operation, state="due", due_at=self.now() + timedelta(seconds=30)):
                yield STEP
                yield from self.resume(operation)
        elif what == "hand_over":
            self._hand_over(operation)
        elif what == "give_up":
            self.rows.take(operation, state="not_applied", reread_at=self._reread_at(operation))
        else:
            yield from self._give_up_refused(operation)

    def _give_up_refused(self, operation: Operation) -> Process:
        follow_up = self.refuse(operation, self._reread_at(operation))
        if follow_up:
            yield STEP
            yield from self.resume(follow_up)

    def _reread_at(self, operation: Operation) -> datetime | None:
        return resolution.last_read_at(self.now(), sends=operation.attempts, booked=False)

    def _hand_over(self, operation: Operation) -> None:
        if self.rows.take(operation, state="manual"):
            self.ask_for_review(operation)
