"""The simulation's shop, amended where it has drifted from the shipped gateway. Each amendment is a method of its own,
so that dropping it is one of the planted deviations.

The simulation itself stays as it is: each amendment would change what its seeds play.
"""

from collections.abc import Mapping
from copy import copy
from decimal import Decimal
from typing import Any

from tests.proofs.differential.fates import Crash
from tests.proofs.simulation.client import NOT_READY
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import Operation, Payment
from tests.proofs.simulation.shop import Shop
from voucher_payment_gateway.exceptions import OutcomeUnknownError, VoucherGatewayError
from voucher_payment_gateway.rules.evidence import Evidence, charged_elsewhere, refunded_elsewhere
from voucher_payment_gateway.rules.resolution import is_expired, trailing_read_at
from voucher_payment_gateway.rules.states import OPEN_STATES
from voucher_payment_gateway.rules.timing import is_usable, may_be_charged
from voucher_payment_gateway.rules.verdicts import verdict

__all__ = ["AMENDMENTS", "AmendedShop"]

AMENDMENTS = (
    "authorize",
    "execute_new",
    "execute_due",
    "draft_charge",
    "prepare",
    "_is_charged_already",
    "_is_refunded_already",
    "_record_failure",
    "_cancel",
    "resolve",
    "_establish_fence",
    "_capture",
    "lapse",
)


class AmendedShop(Shop):
    """The simulation's shop with what the shipped gateway does besides."""

    def authorize(self, order_number: str, voucher_id: str, amount: Decimal) -> Process:
        """While another order is being paid with the voucher, nothing is reserved."""
        new = Payment(order_number, voucher_id)
        if any(self.rows.is_pending(other.pk) for other in self._competing(new)):
            return None
        return (yield from super().authorize(order_number, voucher_id, amount))

    def draft_charge(self, payment: Payment, amount: Decimal) -> Operation:
        """A charge knows from the beginning what the payment has reserved last."""
        draft = super().draft_charge(payment, amount)
        draft.target_id = payment.hold_id
        return draft

    def execute_new(self, draft: Operation, payment: Payment, number: int, **payment_changes: Any) -> Process:
        """A charge that reserves first is written down before that."""
        self.changes, self.is_new = payment_changes, True
        if not self._renews(draft, payment):
            yield from super().execute_new(draft, payment, number, **payment_changes)
            return
        draft.created_at = self.now()
        self._create(draft, payment, number, payment_changes, state="due", due_at=self.next_attempt_at(draft))
        yield from self.execute_due(draft)

    changes: Mapping[str, Any] = {}
    """What changes on the payment with the operation that is begun."""

    def execute_due(self, operation: Operation) -> Process:
        """A charge that reserves first is set to ``sending`` before that, which excludes other workers."""
        if operation.refused_at and not (yield from self._verify(operation)):
            return
        payment = self.rows.payment(operation.payment_pk)
        is_wanted = payment.cancel_requested_at is None
        claims = is_wanted and self._renews(operation, payment)
        is_read, self.is_read = self.is_read, False
        was_left_due, self.is_new = not self.is_new, False
        if claims and not self.rows.compare_and_set(operation, state="sending", sending_at=self.now()):
            return
        if (
            claims
            and not is_read
            and (yield from self._is_charged_already(operation, payment, was_left_due=was_left_due))
        ):
            return
        yield from super().execute_due(operation)

    is_new = False
    """Whether the operation that is executed next was written by the same call."""

    is_read = False
    """Whether the bookings were read just before the operation that is executed next."""

    def _is_charged_already(self, operation: Operation, payment: Payment, *, was_left_due: bool) -> Process:
        """Read the bookings before a reservation is made again that has ended, or for a charge that was left due."""
        usable = (
            not was_left_due
            and payment.status == "authorized"
            and is_usable(payment.reserved_until, self.now())
        )
        if usable or not payment.has_code:
            return False
        try:
            return (yield from self._is_booked(operation))
        except NOT_READY:
            self.rows.compare_and_set(operation, state="due", due_at=self.next_attempt_at(operation))
            raise

    def read_evidence(self, operation: Operation) -> Process:
        """A charge of the order that no operation has booked is left to a person."""
        rows: list[Any] = []
        self.bookings_read = rows.extend
        ours = self.rows.remote_ids(operation.voucher_id)
        found = yield from super().read_evidence(operation)
        if found.verdict != "absent" or operation.kind != "charge":
            return found
        elsewhere = charged_elsewhere(
            rows,
            order_number=operation.order_number,
            ours=ours,
            references={
                other.reference
                for other in self.rows.operations.values()
                if other.kind == "charge" and other.pk != operation.pk and not _is_refused(other)
            },
            clients=(),
        )
        return Evidence("ambiguous") if elsewhere else found

    bookings_read: Any = None

    def bookings(self, voucher_id: str) -> Process:
        note, self.bookings_read = self.bookings_read, None
        rows = yield from super().bookings(voucher_id)
        if note:
            note(rows)
        return rows

    def _after_proven_absence(self, operation: Operation, payment: Payment) -> Process:
        self.is_read = True
        try:
            yield from super()._after_proven_absence(operation, payment)
        finally:
            self.is_read = False

    def _refuse_after_absence(self, operation: Operation) -> Process:
        self.is_read = True
        try:
            yield from super()._refuse_after_absence(operation)
        finally:
            self.is_read = False

    def _record_failure(self, operation: Operation, error: VoucherGatewayError) -> Process:
        """A clear "no" to a charge is believed only after a read, and read once more two hours later."""
        outcome = verdict(error, repeated=operation.attempts > 1)
        if operation.kind != "charge" or outcome == "unknown" or error.code not in ("refused", "throttled"):
            yield from super()._record_failure(operation, error)
            return
        due = {"state": "due", "attempts": operation.attempts - 1, "due_at": self.next_attempt_at(operation)}
        try:
            if (yield from self._is_booked(operation)):
                return
        except NOT_READY:
            if outcome == "refused":
                self._mark_unknown(operation, error)
            else:
                self.rows.compare_and_set(operation, **due, refused_at=self.now())
            return
        reread_at = trailing_read_at(self.now(), sends=operation.attempts, booked=False)
        if outcome == "not_applied":
            self.rows.compare_and_set(operation, **due, reread_at=reread_at)
            return
        retry = self.refuse(operation, reread_at)
        if retry:
            self.is_read = True
            yield from self.execute_due(retry)

    def _is_booked(self, operation: Operation) -> Process:
        found = yield from self.read_evidence(operation)
        if found.verdict == "found":
            self.succeed(operation, found.remote_id)
        elif found.verdict == "ambiguous":
            self._require_review(operation)
        return found.verdict != "absent"

    def _verify(self, operation: Operation) -> Process:
        """Make up for the read that was not possible after a clear "no"; return whether the charge is to be sent."""
        if not self.rows.compare_and_set(operation, state="sending", sending_at=self.now(), refused_at=None):
            return False
        due = {"state": "due", "due_at": self.next_attempt_at(operation)}
        try:
            if (yield from self._is_booked(operation)):
                return False
        except NOT_READY:
            self.rows.compare_and_set(operation, **due, refused_at=self.now())
            raise
        reread_at = trailing_read_at(self.now(), sends=operation.attempts, booked=False)
        self.rows.compare_and_set(operation, **due, reread_at=reread_at)
        return True

    def _cancel(self, pk: int) -> Process:
        """An unverified "no" is verified before its charge is withdrawn."""
        payment = self.rows.payment(pk)
        if any(op.state == "due" and op.refused_at for op in self.rows.of_payment(pk)):
            asked_at = payment.cancel_requested_at or self.now()
            self.rows.change_payment(payment, cancel_requested_at=asked_at)
            return
        if payment.status == "failed" and payment.agreed > payment.captured:
            self.rows.change_payment(payment, status="cancelled")  # it is taken off the order
            return
        yield from super()._cancel(pk)

    def _renews(self, operation: Operation, payment: Payment) -> bool:
        return operation.kind == "charge" and not (
            payment.status == "authorized"
            and may_be_charged(payment.reserved_until, self.now(), held=payment.held, amount=operation.amount)
        )

    def prepare(self, operation: Operation, payment: Payment, number: int | None) -> Process:
        """The baseline of a refund is read again as long as no send may have arrived."""
        is_first = operation.kind == "refund" and not operation.attempts
        rows: list[Any] = []
        if is_first:
            operation.baseline, self.bookings_read = None, rows.extend
        number = yield from super().prepare(operation, payment, number)
        if is_first and self._is_refunded_already(operation, rows):
            if not operation.pk:
                self._create(operation, payment, number, dict(self.changes), state="due")
            self._require_review(operation)
            raise OutcomeUnknownError
        return number

    def _is_refunded_already(self, operation: Operation, rows: list[Any]) -> bool:
        return refunded_elsewhere(
            rows,
            charge_id=operation.target_id,
            reference=operation.reference,
            amount=operation.amount,
            ours=lambda: self.rows.remote_ids(operation.voucher_id),
        )

    def resolve(self, operation: Operation) -> Process:
        """Where the old reservation has long been dead, the read that decides follows in the same sweep."""
        yield from super().resolve(operation)
        stored = self.rows.operations[operation.pk]
        if stored.state == "unknown" and stored.due_at is not None and stored.due_at <= self.now():
            yield from self.resolve(copy(stored))

    def _establish_fence(self, fence: Any, operation: Operation, payment: Payment) -> Process:
        """Once the old reservation is dead, a fence that cannot be had now is not waited for."""
        try:
            return (yield from super()._establish_fence(fence, operation, payment))
        except VoucherGatewayError:
            if not is_expired(operation.target_dead_at, self.now()):
                raise
            return False

    def _capture(self, pk: int, amount: Decimal | None) -> Process:
        """More than is left is refused, and what is due is sent only where the same amount is asked for."""
        payment, operations = self.rows.payments[pk], self.rows.of_payment(pk)
        left = payment.agreed - payment.captured if payment.has_code else payment.held
        due = sum(op.amount for op in operations if op.kind == "charge" and op.state == "due")
        is_open = any(op.state in OPEN_STATES for op in operations)
        if amount is not None and (amount != due if is_open else amount > left):
            return
        yield from super()._capture(pk, amount)

    def sweep(self) -> Process:
        """What is dead of age lapses, unless a charge is open or left to a person."""
        yield from super().sweep()
        self.lapse()

    def lapse(self) -> None:
        for payment in [self.rows.payment(pk) for pk in self.rows.payments]:
            undecided = any(
                op.state in OPEN_STATES or (op.kind == "charge" and op.state == "manual")
                for op in self.rows.of_payment(payment.pk)
            )
            dead = payment.status == "authorized" and is_expired(payment.dead_at, self.now())
            if dead and not undecided:
                self.rows.change_payment(payment, **self._without_hold(payment, "lapsed"))

    # One worker's crash in a sweep ends that worker alone

    def _attempt(self, operation: Operation, do: Any) -> Process:
        try:
            yield from super()._attempt(operation, do)
        except Crash:
            return

    def _carry_out_cancel(self, pk: int) -> Process:
        try:
            yield from super()._carry_out_cancel(pk)
        except Crash:
            return


def _is_refused(operation: Operation) -> bool:
    return operation.state in ("refused", "not_applied")
