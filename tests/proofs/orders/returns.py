"""Refund, cancel and delete: what was charged goes back, what is held ends."""

from decimal import Decimal

from tests.proofs.orders.captures import Captures, Hooks
from tests.proofs.orders.remote import RefusalError, cents
from tests.proofs.orders.rows import ZERO, Operation, Order, Payment
from voucher_payment_gateway import money
from voucher_payment_gateway.exceptions import (
    AmountError,
    OperationInProgressError,
    OutcomeUnknownError,
    RefusedError,
    WrongStateError,
)
from voucher_payment_gateway.rules import cover, evidence, verdicts

__all__ = ["ProtectedError", "Returns"]


class ProtectedError(Exception):
    """The order has live money, so it is not deleted."""


class Returns(Captures):
    """Refunds and cancels."""

    def refund(
        self, order: Order, amount: Decimal | None = None, *, key: str = "", hooks: Hooks | None = None
    ) -> None:
        """Give back all that was captured, or ``amount`` of it."""
        payments = self.database.of_order(order.number)
        if not payments or self.was_made("refund", order.number, key, amount):
            return
        self._refund(payments, amount, key, hooks)

    def _refund(self, payments: list[Payment], amount: Decimal | None, key: str, hooks: Hooks | None) -> None:
        charged = [payment for payment in payments if payment.amount_captured > ZERO]
        if not charged:
            self.refuse_if_open(payments)
            raise WrongStateError("nothing was captured")
        if hooks is None or not self.may_follow():
            self.refuse_if_open(charged)
        left = {payment: self._refundable(payment) for payment in charged}
        sums = {payment: sum((rest for _, rest in charges), ZERO) for payment, charges in left.items()}
        if amount is not None and amount > sum(sums.values(), ZERO):
            raise AmountError("more than was captured", code="more_than_captured")
        wanted = sums if amount is None else self._share_out_refund(amount, sums)
        drafts = []
        for payment in charged:
            rest = wanted[payment]
            for charge, available in left[payment]:
                if (part := min(rest, available)) > ZERO:
                    draft = self._draft(payment, part, amount, key, "refund")
                    draft.target_id, draft.reference = charge.remote_id, charge.reference
                    drafts.append(draft)
                    rest -= part
        self.note_key("refund", payments[0].order_number, key, amount, drafts)
        self._carry_out(drafts, hooks)

    def _share_out_refund(self, asked: Decimal, left: dict[Payment, Decimal]) -> dict[Payment, Decimal]:
        if self.options.refund_order == "pro-rata":
            shares = money.share_out(asked, list(left.values()), unit=self.smallest_unit())
            return dict(zip(left, shares, strict=True))
        parts = dict.fromkeys(left, ZERO)
        for payment in reversed(left) if self.options.refund_order == "last-first" else left:
            parts[payment] = min(asked, left[payment])
            asked -= parts[payment]
        return parts

    def _refundable(self, payment: Payment) -> list[tuple[Operation, Decimal]]:
        gone: dict[str, Decimal] = {}
        for op in payment.operations:
            if op.kind == "refund" and verdicts.counts_as_refunded(op.state):
                gone[op.target_id] = gone.get(op.target_id, ZERO) + op.amount
        charges = [op for op in payment.operations if (op.kind, op.state) == ("charge", "succeeded")]
        return [(charge, charge.amount - gone.get(charge.remote_id, ZERO)) for charge in reversed(charges)]

    def send_refund(self, operation: Operation) -> None:
        """Read the bookings first: a refund that our records do not have may have been this one."""
        payment = operation.payment
        if self.refunded_elsewhere(operation):
            operation.state, operation.error_code = "manual", "refunded_elsewhere"
            self.tell("review", payment)
            raise OutcomeUnknownError(code="refunded_elsewhere")
        operation.is_sent = True
        try:
            row = self.remote.refund(
                operation.target_id, cents(operation.amount), self.options.client_id, payment.uid
            )
        except RefusalError:
            operation.state = "refused"
            self.tell("review", payment)
            raise RefusedError from None
        operation.state, operation.remote_id = "succeeded", row.id
        refunded = payment.amount_refunded + operation.amount
        status = verdicts.status_after_refund(
            refunded=refunded,
            captured=payment.amount_captured,
            cancelling=payment.cancel_requested_at is not None,
        )
        self.change(payment, status=status, amount_refunded=refunded)
        self.tell("refunded", payment)

    def refunded_elsewhere(self, operation: Operation) -> bool:
        payments = self.database.on_voucher(operation.payment.voucher_id)
        return evidence.refunded_elsewhere(
            self.remote.bookings(operation.payment.voucher_id),
            charge_id=operation.target_id,
            reference=operation.reference,
            amount=operation.amount,
            ours=lambda: {op.remote_id for each in payments for op in each.operations if op.kind == "refund"},
        )

    def cancel(self, order: Order, *, hooks: Hooks | None = None) -> None:
        """End all payments of the order, in any state."""
        for payment in list(self.database.of_order(order.number)):
            has_more = payment.status == "refunded" and (payment.has_open_operation or payment.sealed_code)
            ended = payment.status in ("cancelled", "refunded", "failed")
            if not ended or has_more or cover.is_unpaid(payment):
                self._cancel_payment(payment, hooks)

    def _cancel_payment(self, payment: Payment, hooks: Hooks | None) -> None:
        operations = [(op.kind, op.state) for op in payment.operations]
        if payment.has_open_operation:
            if verdicts.before_cancel(operations) == "wait":
                self.change(payment, cancel_requested_at=payment.cancel_requested_at or self.now())
                return
            for op in payment.operations:
                if op.state == "due":
                    op.state, op.error_code = "not_applied", "cancelled"
        if payment.amount_captured > payment.amount_refunded:
            self.change(payment, cancel_requested_at=payment.cancel_requested_at or self.now())
            try:
                self._refund([payment], None, "", hooks)
            except OperationInProgressError:
                return
            return
        if payment.reservation_id and self.is_usable(payment):
            self.remote.release(payment.reservation_id)
        self.change(
            payment,
            status="cancelled",
            amount_authorized=ZERO,
            reserved_until=None,
            sealed_code="",
            cancel_requested_at=self.now(),
        )
        self.tell("cancelled", payment)

    def delete(self, order: Order) -> None:
        """Delete the shop's order. Raises ProtectedError while vouchers hold or have paid something of it."""
        self.refuse_live_money(order.number)
        self.cancel(order)
        for payment in self.database.of_order(order.number):
            if payment.status == "refunded":
                self.change(payment, status="cancelled", sealed_code="")
        self.database.orders.pop(order.number, None)

    def refuse_live_money(self, number: str) -> None:
        for payment in self.database.of_order(number):
            undecided = any(op.state in ("due", "manual") for op in payment.operations)
            kept = payment.amount_captured > payment.amount_refunded
            if payment.amount_authorized > ZERO or kept or undecided:
                raise ProtectedError
