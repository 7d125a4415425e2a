"""The charge of a reservation: planned, sent, and what follows its refusal. The rules decide."""

from dataclasses import replace
from decimal import Decimal
from itertools import takewhile

from tests.proofs.orders.confirmation import Confirmation
from tests.proofs.orders.remote import RefusalError
from tests.proofs.orders.rows import ZERO, Operation, Payment
from voucher_payment_gateway.exceptions import (
    AmountError,
    OutcomeUnknownError,
    RefusedError,
    ReservationClosedError,
    UnavailableError,
)
from voucher_payment_gateway.rules import evidence, replan, timing, verdicts
from voucher_payment_gateway.rules.states import HELD_BEFORE

__all__ = ["Charges"]


class Charges(Confirmation):
    """Writes charges down and carries them out."""

    def was_made(self, verb: str, number: str, key: str, amount: Decimal | None) -> bool:
        """Return whether this call was made before. Raises AmountError where it named another amount."""
        known = (verb, number, key) in self.database.keys
        if known and self.database.keys[verb, number, key] != amount:
            raise AmountError("the key was used with another amount", code="key_reused")
        return bool(key) and known

    def note_key(
        self, verb: str, number: str, key: str, amount: Decimal | None, drafts: list[Operation]
    ) -> None:
        if key and drafts:
            self.database.keys[verb, number, key] = amount

    # operations

    def _draft(
        self, payment: Payment, amount: Decimal, asked: Decimal | None, key: str, kind: str = "charge"
    ) -> Operation:
        operations = self.database.operations_of(payment.order_number)
        captures = sum(op.kind == "charge" for op in operations)
        reference = evidence.charge_reference(payment.order_number, captures + 1, self.new_token())
        draft = Operation(payment, kind, amount, len(operations) + 1, reference, asked, key)
        draft.created_at = self.now()
        draft.waits = self.is_busy(payment.voucher_id)
        self.database.write(draft)
        return draft

    def is_busy(self, voucher_id: str) -> bool:
        return any(
            op.state == "due" and not op.waits
            for payment in self.database.on_voucher(voucher_id)
            for op in payment.operations
        )

    def new_token(self) -> str:
        """Return a token; those of two databases are never the same."""
        return f"{next(self.tokens):010x}"

    def execute_due(self, operation: Operation) -> None:
        """Carry out an operation that is due."""
        if operation.state != "due":
            return
        self.refuse_other_instance()
        if operation.waits and self.is_busy(operation.payment.voucher_id):
            raise UnavailableError(code="voucher_busy")
        operation.waits = False
        if operation.kind == "refund":
            self.send_refund(operation)
            return
        if operation.payment.cancel_requested_at is not None:
            operation.state, operation.error_code = "not_applied", "cancelled"
            return
        if not operation.is_planned_now and not operation.is_sent:
            amount = self.replanned(operation)
            if amount != operation.amount:
                operation.state, operation.error_code = "not_applied", "order_changed"
                if amount == ZERO:
                    return
                operation = self._draft(operation.payment, amount, operation.asked, operation.key)
        is_new, operation.is_planned_now = operation.is_planned_now, False
        self._send_charge(operation, is_read=is_new and self.is_usable(operation.payment))

    def replanned(self, operation: Operation) -> Decimal:
        """Return what a charge takes of its order as that is committed now."""
        order = self.database.orders.get(operation.payment.order_number)
        if order is None:
            return operation.amount
        charges = {
            op: replan.OpenCharge(
                op.number, op.payment.pk, op.amount, is_fixed=op.is_sent or op.state == "manual"
            )
            for op in self.database.operations_of(order.number)
            if op.kind == "charge" and op.state in ("due", "manual")
        }
        return replan.replanned(
            charges[operation],
            self.facts(order),
            [self.as_planned(payment, operation) for payment in self.database.of_order(order.number)],
            charges.values(),
            is_limited=operation.asked is not None,
            after_return=self.options.after_return,
        )

    def as_planned(self, payment: Payment, operation: Operation) -> Payment:
        """Return a payment as the plan of another one's charge sees it: nothing is kept for the rest that a capture
        left, and where all is captured not for a voucher without a charge either, since nothing takes it later."""
        if payment is operation.payment or payment.open_charge:
            return payment
        if operation.asked is not None and payment.status in HELD_BEFORE:
            return payment
        return replace(payment, amount_agreed=payment.amount_captured, amount_authorized=ZERO)

    def _send_charge(self, operation: Operation, *, is_read: bool = False) -> None:
        payment = operation.payment
        is_held = payment.status == "authorized" and timing.may_be_charged(
            payment.reserved_until, self.now(), held=payment.amount_authorized, amount=operation.amount
        )
        if not is_held:
            if payment.sealed_code and not is_read and not self.is_absent(operation):
                return
            try:
                self.renew(payment, operation.amount)
            except RefusedError:
                if payment.sealed_code and not self.is_evidence(payment):
                    raise UnavailableError(code="reservation_open") from None  # it stays due
                self._refused(operation)
                raise
        operation.is_sent, operation.target_id = True, payment.reservation_id
        try:
            row = self.remote.charge(
                self.seconds(), operation.target_id, operation.reference, self.options.client_id, payment.uid
            )
        except RefusalError as error:
            if self.is_absent(operation) and not self._refused(operation):
                raise ReservationClosedError(code=str(error)) from None
            return
        self._charged(operation, row.id)

    def is_absent(self, operation: Operation) -> bool:
        """Read the bookings: whether neither this charge is there, nor one of its order that we do not know.

        Raises OutcomeUnknownError where a person must decide.
        """
        rows = self.remote.bookings(operation.payment.voucher_id)
        ops = [
            op for each in self.database.on_voucher(operation.payment.voucher_id) for op in each.operations
        ]
        ours = {op.remote_id for op in ops if op.remote_id}
        found = evidence.charge_evidence(
            rows, reference=operation.reference, amount=operation.amount, ours=ours
        )
        if found.verdict == "found":
            self._charged(operation, found.remote_id)
            return False
        elsewhere = self.charged_elsewhere(operation, rows, ours, ops)
        if found.verdict == "ambiguous" or elsewhere:
            operation.state, operation.error_code = "manual", "charged_elsewhere"
            self.tell("review", operation.payment)
            raise OutcomeUnknownError(code="charged_elsewhere")
        return True

    def charged_elsewhere(
        self,
        operation: Operation,
        rows: list,
        ours: set[str],
        ops: list[Operation],  # type: ignore[type-arg]
    ) -> tuple[str, ...]:
        references = {
            op.reference
            for op in ops
            if op.kind == "charge" and op is not operation and op.state not in ("refused", "not_applied")
        }
        return evidence.charged_elsewhere(
            rows,
            order_number=operation.payment.order_number,
            ours=ours,
            references=references,
            clients={self.options.client_id},
        )

    def _charged(self, operation: Operation, remote_id: str) -> None:
        payment = operation.payment
        operation.state, operation.remote_id = "succeeded", remote_id
        captured = payment.amount_captured + operation.amount
        if captured >= payment.amount_agreed:
            self.change(payment, sealed_code="")
        self.change(
            payment, status="captured", amount_captured=captured, amount_authorized=ZERO, reserved_until=None
        )
        self.tell("captured", payment)

    def _refused(self, operation: Operation) -> bool:
        """Record a refusal, and charge once more on a new reservation, or end the payment. Return whether the money
        was charged after all."""
        payment = operation.payment
        sends = 1 if operation.is_sent else 0
        operation.state = "refused"
        charges = [op.state for op in payment.operations if op.kind == "charge" and op.is_sent]
        refused = sum(1 for _ in takewhile(lambda state: state == "refused", reversed(charges)))
        follows = verdicts.after_refused_charge(
            sends=sends,
            refused=refused,
            has_code=bool(payment.sealed_code),
            cancelling=payment.cancel_requested_at is not None,
            hold_is_usable=self.is_usable(payment),
        )
        if follows == "charge_again":
            self.change(payment, reserved_until=None)
            again = self._draft(payment, operation.amount, operation.asked, operation.key)
            again.is_planned_now = True
            self._send_charge(again, is_read=True)
            return True
        if follows == "fail":
            self.fail(payment)
        return False

    def send_refund(self, operation: Operation) -> None:
        raise NotImplementedError

    def refuse_other_instance(self) -> None:
        """Raise UnavailableError where this database is not that of this installation."""
        if self.options.instance and not self.database.instance:
            self.database.instance = self.options.instance
        if self.database.instance not in ("", self.options.instance):
            raise UnavailableError(code="other_instance")
