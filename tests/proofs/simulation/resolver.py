"""Resolves unknown outcomes step by step, as the gateway does; the rules choose the step."""

from datetime import datetime, timedelta
from typing import Literal, assert_never

from tests.proofs.simulation.client import STEP, Client
from tests.proofs.simulation.faults import DEADLINE_SECONDS
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import ConflictError, Operation, Payment
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.rules import evidence, resolution, timing

__all__ = ["Resolver"]


class Resolver(Client):
    """A client that resolves unknown outcomes."""

    def resolve(self, operation: Operation) -> Process:
        """Take one step towards the outcome of an unknown operation."""
        lease = timedelta(seconds=timing.lease_seconds(DEADLINE_SECONDS))
        if not self.rows.compare_and_set(operation, due_at=self.now() + lease):
            return
        payment = self.rows.payment(operation.payment_pk)
        yield STEP
        read_at = self.now()
        found = yield from self.read_evidence(operation)
        yield STEP
        if found.verdict == "found":
            self.log("found", operation, found.remote_id)
            self.succeed(operation, found.remote_id)
        elif found.verdict == "ambiguous":
            self._require_review(operation)
        else:
            yield from self._after_absence(operation, payment, read_at)

    def read_again(self, operation: Operation) -> Process:
        """Read the bookings a last time, for duplicates that a retry may have left."""
        reread_at = operation.reread_at
        found = yield from self.read_evidence(operation)
        yield STEP
        stored = self.rows.operations[operation.pk]
        if stored.reread_at == reread_at:
            stored.reread_at = None
            self.rows.to_reread.pop(operation.pk, None)
            if found.verdict != "absent":
                self.request_review(operation)

    def read_evidence(self, operation: Operation) -> Process:
        """Read the bookings and judge them; our own ids are those known before the read."""
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
        unknown = resolution.UnknownOperation(
            kind=operation.kind,
            sent_at=operation.sending_at or operation.created_at or read_at,
            fence_at=operation.fence_at,
            absent_at=operation.absent_at,
            refused_at=operation.refused_at,
        )
        step = resolution.after_absence(unknown, read_at, self.figures)
        match step.action:
            case "wait":
                self.rows.compare_and_set(operation, due_at=self._next_read_at(step.until, operation))
            case "note_absence":
                self.rows.compare_and_set(operation, absent_at=read_at, due_at=step.until)
            case "fence":
                yield from self._fence(operation, payment)
            case "refused":
                yield from self._refuse_after_absence(operation)
            case "not_booked":
                yield from self._after_proven_absence(operation, payment)
            case _:
                assert_never(step.action)

    def _next_read_at(self, instant: datetime | None, operation: Operation) -> datetime:
        soon = self.next_attempt_at(operation)
        return min(instant, soon) if instant is not None else soon

    def _fence(self, operation: Operation, payment: Payment) -> Process:
        failed: list[resolution.Fence] = []
        while True:
            fence = resolution.next_fence(
                wanted=self._is_wanted(operation, payment),
                release_works=self.remote.behaviour.release_works,
                failed=failed,
            )
            if fence == "expiry":
                self._store_fence(operation, resolution.expiry_of(operation.target_dead_at, self.now()))
                return
            if (yield from self._establish_fence(fence, operation, payment)):
                return
            failed.append(fence)

    def _establish_fence(
        self, fence: Literal["reserve", "release"], operation: Operation, payment: Payment
    ) -> Process:
        """Establish this fence and store it; return whether it holds, or raise the error of its call."""
        error, hold = None, None
        try:
            match fence:
                case "reserve":
                    hold = yield from self.reserve(payment.voucher_id, operation.amount)
                case "release":
                    yield from self.release(operation.target_id)
                case _:
                    assert_never(fence)
        except VoucherGatewayError as raised:
            error = raised
        yield STEP
        judgement = resolution.judge_fence(fence, error)
        if judgement == "retry" and error:
            raise error
        if judgement == "failed":
            return False
        if self.rows.operations[operation.pk].claim != operation.claim:
            raise ConflictError
        if hold:
            self.record_hold(payment, hold, self.rows.number(payment.order_number))
        elif fence == "release":
            self.rows.change_payment(payment, reserved_until=None)
        self._store_fence(operation, self.now())
        return True

    def _store_fence(self, operation: Operation, fence_at: datetime) -> None:
        certain_at = fence_at + self.figures.list_lag
        self.rows.compare_and_set(
            operation, fence_at=fence_at, due_at=self._next_read_at(certain_at, operation)
        )

    def _is_wanted(self, operation: Operation, payment: Payment) -> bool:
        return resolution.is_wanted(
            operation.kind, cancelling=payment.cancel_requested_at is not None, has_code=payment.has_code
        )

    def _after_proven_absence(self, operation: Operation, payment: Payment) -> Process:
        what = resolution.after_proven_absence(
            operation.kind,
            wanted=self._is_wanted(operation, payment),
            sends=operation.attempts,
            cancelling=payment.cancel_requested_at is not None,
        )
        self.log("certain", operation, what)
        match what:
            case "repeat":
                if self.rows.compare_and_set(
                    operation, state="due", due_at=self.now() + timedelta(seconds=30)
                ):
                    yield STEP
                    yield from self.execute_due(operation)
            case "require_review":
                self._require_review(operation)
            case "give_up":
                reread_at = self._reread_at(operation)
                self.rows.compare_and_set(operation, state="not_applied", reread_at=reread_at)
            case "refuse":
                yield from self._refuse_after_absence(operation)
            case _:
                assert_never(what)

    def _refuse_after_absence(self, operation: Operation) -> Process:
        retry = self.refuse(operation, self._reread_at(operation))
        if retry:
            yield STEP
            yield from self.execute_due(retry)

    def _reread_at(self, operation: Operation) -> datetime | None:
        return resolution.trailing_read_at(self.now(), sends=operation.attempts, booked=False)

    def _require_review(self, operation: Operation) -> None:
        if self.rows.compare_and_set(operation, state="manual"):
            self.request_review(operation)
