"""What the outcome of an operation means for its sale, its payment, and what follows a refusal."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.proofs.simulation.client import STEP
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import ZERO, Operation, Payment
from tests.proofs.simulation.sales.calls import NOT_READABLE
from tests.proofs.simulation.sales.rows import KEY_IS_FREE, Sale
from tests.proofs.simulation.sales.steps import RefundedElsewhereError, Steps
from voucher_payment_gateway.exceptions import ContractError, CredentialsError, VoucherGatewayError
from voucher_payment_gateway.rules import evidence, fallback, resolution, states, verdicts

__all__ = ["Outcomes"]

ENDED = {"status": "failed", "end_reason": "refused", "due_at": None}
RECORDED_AS = {"issue": ("issued", "active"), "activate": ("active",), "deactivate": ("taken_back",)}


class Outcomes(Steps):
    """Records outcomes. A clear "no" is believed only after a read."""

    def execute_due(self, operation: Operation) -> Process:
        """Execute an operation that is due, unless its sale is to be taken back and it was never sent."""
        if operation.refused_at and not (yield from self._verified(operation)):
            return
        if self._is_unwanted(operation):
            self.rows.compare_and_set(operation, state="not_applied")
            return
        try:
            yield from super().execute_due(operation)
        except RefundedElsewhereError:
            self._require_review(operation)
        except NOT_READABLE as error:
            self._review_forbidden(operation, error)
            raise

    def _is_unwanted(self, operation: Operation) -> bool:
        if not operation.sale_pk or operation.kind == "deactivate" or operation.attempts:
            return False
        return self.rows.sales[operation.sale_pk].target == "taken_back"

    def execute_new(self, draft: Operation, payment: Payment, number: int, **payment_changes: Any) -> Process:
        try:
            yield from super().execute_new(draft, payment, number, **payment_changes)
        except RefundedElsewhereError:
            self._create(draft, payment, number, payment_changes, state="due", due_at=self.now())
            self._require_review(draft)

    def _review_forbidden(self, operation: Operation, error: VoucherGatewayError) -> None:
        """Leave an operation to a person that the Voucher Cloud has forbidden for a day."""
        since = verdicts.forbidden_since(error, self.forbidden.get(operation.pk), self.now())
        self.forbidden[operation.pk] = since
        if operation.state == "due" and verdicts.is_forbidden_too_long(since, self.now()):
            self._require_review(operation)

    def _verified(self, operation: Operation) -> Process:
        """Make up for the read that was not possible after a clear "no"; return whether it is to be sent."""
        if not self.rows.compare_and_set(operation, state="sending", sending_at=self.now(), refused_at=None):
            return False
        try:
            if (yield from self._is_booked(operation)):
                return False
        except NOT_READABLE:
            self.rows.compare_and_set(
                operation, state="due", refused_at=self.now(), due_at=self.next_attempt_at(operation)
            )
            raise
        return self.rows.compare_and_set(operation, state="due", reread_at=self._reread_at(operation))

    def _is_booked(self, operation: Operation) -> Process:
        found = yield from self.read_evidence(operation)
        yield STEP
        if found.verdict == "found":
            self.succeed(operation, found.remote_id)
        elif found.verdict != "absent":
            self._require_review(operation)
        return found.verdict != "absent"

    def _record_failure(self, operation: Operation, error: VoucherGatewayError) -> Process:
        found = verdicts.verdict(error, repeated=operation.attempts > 1)
        if (
            found == "unknown"
            or not verdicts.was_answered(error)
            or not (yield from self._verifies(operation))
        ):
            yield from super()._record_failure(operation, error)
            self._review_forbidden(operation, error)
            return
        self.log(type(error).__name__, operation, found)
        checked: dict[str, Any] = {"reread_at": self._reread_at(operation)}
        try:
            if (yield from self._is_booked(operation)):
                return
        except NOT_READABLE:
            if found == "refused":
                self._mark_unknown(operation, error)
                return
            checked = {"refused_at": self.now()}
        if found == "refused":
            yield from self._refuse_and_follow(operation, checked["reread_at"])
        else:
            due_at, attempts = self.next_attempt_at(operation), operation.attempts - 1
            self.rows.compare_and_set(operation, state="due", attempts=attempts, due_at=due_at, **checked)

    def _refuse_and_follow(self, operation: Operation, reread_at: datetime | None) -> Process:
        following = self.refuse(operation, reread_at)
        if following:
            yield STEP
            yield from self.execute_due(following)

    def _verifies(self, operation: Operation) -> Process:
        """Return whether a clear "no" is believed only after a read. Nothing is booked on a voucher that is gone."""
        if operation.kind in ("issue", "activate"):
            return True
        if operation.kind == "recharge" or (operation.kind == "refund" and self.falls_back()):
            return not (yield from self.is_gone(operation.voucher_id))
        return False

    def resolve(self, operation: Operation) -> Process:
        """Take one step towards the outcome; request a review once while the voucher cannot be read."""
        try:
            yield from super().resolve(operation)
        except (ContractError, CredentialsError):
            if operation.pk not in self.unreadable:
                self.unreadable.add(operation.pk)
                self.request_review(operation)
            self.rows.compare_and_set(operation, due_at=self.next_attempt_at(operation))
            raise

    def read_again(self, operation: Operation) -> Process:
        """Read a last time; not where the rows already have what would be found."""
        is_recorded = RECORDED_AS.get(operation.kind, ())
        if operation.sale_pk and self.rows.sales[operation.sale_pk].status in is_recorded:
            self.rows.operations[operation.pk].reread_at = None
            self.rows.to_reread.pop(operation.pk, None)
            return
        yield from super().read_again(operation)

    def succeed(self, operation: Operation, remote_id: str) -> bool:
        """Record a success on the operation and its sale or payment; return whether the claim was still ours."""
        if operation.kind in ("charge", "refund"):
            return super().succeed(operation, remote_id)
        trailing = resolution.trailing_read_at(self.now(), sends=operation.attempts, booked=True)
        reread_at = trailing or operation.reread_at
        if not self.rows.compare_and_set(
            operation, state="succeeded", remote_id=remote_id, reread_at=reread_at
        ):
            return False
        if operation.sale_pk:
            self._change_sale(operation, self.rows.sale(operation.sale_pk))
        else:
            self._count_refunded(self.rows.payment(operation.payment_pk), operation.amount)
        self.log("succeeded", operation, remote_id)
        return True

    def _change_sale(self, operation: Operation, sale: Sale) -> None:
        changes: dict[str, Any] = {}
        match operation.kind:
            case "issue":
                changes = {"status": "issued", "code": operation.code} | (
                    {"due_at": None} if sale.target == "issued" else {}
                )
            case "activate":
                changes = {"status": "active", "was_active": True}
                changes |= {"due_at": None} if sale.target == "active" else {}
            case "deactivate":
                changes = {"status": "taken_back", "due_at": None, "code": ""}
            case "recharge":
                changes = {"topped_up": sale.topped_up + operation.amount}
        self.rows.change_sale(sale, **changes)
        if operation.kind == "activate" and sale.replaces:
            refund = self.rows.operations[sale.replaces]
            self._count_refunded(self.rows.payment(refund.payment_pk), sale.amount)

    def _count_refunded(self, payment: Payment, amount: Decimal) -> None:
        refunded = payment.refunded + amount
        status = verdicts.status_after_refund(
            refunded=refunded, captured=payment.captured, cancelling=payment.cancel_requested_at is not None
        )
        ended = {"status": status, "held": ZERO, "reserved_until": None, "has_code": False}
        self.rows.change_payment(payment, refunded=refunded, **(ended if status != "captured" else {}))

    def _on_refused(self, operation: Operation) -> Operation | None:
        if operation.kind == "charge":
            return super()._on_refused(operation)
        following = self._rung_after(operation)
        if following is None:
            self._end_step(operation)
            return None
        following.created_at, following.began = self.now(), self.loop.now
        following.due_at = self.next_attempt_at(following)
        number = 0 if following.sale_pk else self.rows.number(following.order_number)
        self.rows.add(following, number)
        if operation.sale_pk:
            self.rows.change_sale(self.rows.sale(operation.sale_pk), **ENDED)
        self.log(f"falls back to {following.kind}", operation)
        return following

    def _end_step(self, operation: Operation) -> None:
        """Record a refusal for good: leave the voucher to its holder, or the sale as failed."""
        self.request_review(operation)
        if not operation.sale_pk:
            return
        sale = self.rows.sale(operation.sale_pk)
        match operation.kind:
            case "issue":
                self.rows.change_sale(sale, **ENDED)
            case "activate":
                self.rows.change_sale(sale, due_at=None)
            case "deactivate":
                wanted = {"target": "active" if sale.status == "active" else "issued", "end_reason": ""}
                changes = {} if sale.end_reason in KEY_IS_FREE else wanted
                self.rows.change_sale(sale, due_at=None, **changes)

    def _rung_after(self, operation: Operation) -> Operation | None:
        """Return the next rung of ``REFUND_FALLBACK``, or None where a person decides."""
        refund = self._refund_of(operation)
        if refund is None:
            return None
        if not set(refund.baseline or ()) <= self.recorded_refunds(refund.voucher_id):
            return None
        possible = {"recharge", "new_voucher"} if self.has_sealing_keys else {"recharge"}
        match fallback.next_rung(self.rungs, operation.kind, possible=possible):  # type: ignore[arg-type]
            case "recharge":
                return self._draft_fallback_recharge(refund)
            case "new_voucher":
                return self._draft_replacement(refund)
        return None

    def _refund_of(self, operation: Operation) -> Operation | None:
        """Return the refund in whose place ``operation`` was tried, or itself."""
        if operation.kind == "refund":
            return operation
        if operation.sale_pk:
            sale = self.rows.sales[operation.sale_pk]
            is_wanted = sale.replaces and sale.target != "taken_back" and operation.kind == "issue"
            return self.rows.operations[sale.replaces] if is_wanted else None
        refused = [
            op
            for op in self.rows.of_payment(operation.payment_pk)
            if (op.kind, op.state, op.amount) == ("refund", "refused", operation.amount)
            and op.target_id == operation.target_id
        ]
        return refused[-1] if refused else None

    def _draft_fallback_recharge(self, refund: Operation) -> Operation:
        number = self.rows.number(refund.order_number) + 1
        return Operation(
            refund.payment_pk,
            refund.order_number,
            refund.voucher_id,
            "recharge",
            refund.amount,
            target_id=refund.target_id,
            reference=evidence.charge_reference(refund.order_number, number, self.token()),
        )

    def _draft_replacement(self, refund: Operation) -> Operation:
        key = f"refund:{refund.pk}"
        sale = Sale(refund.order_number, key, refund.amount, f"s-{refund.order_number}-{key}", "active")
        sale.origin, sale.replaces = "refund", refund.pk
        sale.created_at = sale.due_at = self.now()
        self.rows.add_sale(sale)
        return self.draft_step(sale, "issue")

    def draft_step(self, sale: Sale, kind: states.OperationKind, **fields: Any) -> Operation:
        """Return an operation of a sale, not stored yet."""
        given = {"amount": sale.amount, **fields}
        return Operation(0, sale.order_number, sale.voucher_id, kind, sale_pk=sale.pk, **given)

    def token(self) -> str:
        return format(self.injector.random.getrandbits(40), "010x")
