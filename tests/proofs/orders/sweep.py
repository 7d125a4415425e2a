"""``settle``: due operations are sent, holds renewed or lapsed, codes erased, and statuses looked at again."""

from collections.abc import Callable

from tests.proofs.orders.returns import Returns
from tests.proofs.orders.rows import ZERO, Payment
from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError
from voucher_payment_gateway.rules import by_status, cover, timing

__all__ = ["Gateway"]


class Gateway(Returns):
    """All of the gateway. ``run_by_status`` is set by the shop that configures ``ON_STATUS``."""

    run_by_status: Callable[[str, str], None] | None = None
    verb_of_status: Callable[[str], str] | None = None

    def settle(self) -> None:
        """Finish what is open; errors are logged."""
        try:
            self.refuse_other_instance()
        except VoucherGatewayError:
            return
        for operation in [op for op in self.database.operations if op.state == "due"]:
            self._attempt(lambda operation=operation: self.execute_due(operation))  # type: ignore[misc]
        for payment in list(self.database.all_payments()):
            if self._can_carry_out_cancel(payment):
                self._attempt(lambda payment=payment: self._carry_out_cancel(payment))  # type: ignore[misc]
        for payment in self._ending_holds():
            self._attempt(lambda payment=payment: self.keep_alive(payment))  # type: ignore[misc]
        self._lapse()
        self._erase_codes()
        self.look_at_statuses()

    def _attempt(self, do: Callable[[], None]) -> None:
        try:
            do()
        except VoucherGatewayError:
            return

    def _can_carry_out_cancel(self, payment: Payment) -> bool:
        if payment.cancel_requested_at is None or payment.status in ("cancelled", "failed"):
            return False
        return not any(
            op.state in ("due", "manual") or (op.kind == "refund" and op.state == "refused")
            for op in payment.operations
        )

    def _carry_out_cancel(self, payment: Payment) -> None:
        if payment.status == "refunded":
            self.change(payment, status="cancelled", sealed_code="")
        else:
            self._cancel_payment(payment, None)

    def _ending_holds(self) -> list[Payment]:
        if not self.options.renews:
            return []
        now = self.now()
        held = {each.voucher_id for each in self.database.all_payments() if each.status == "authorized"}

        def is_ending(payment: Payment) -> bool:
            is_held = payment.status == "authorized" and payment.dead_at is not None and payment.dead_at > now
            counts = payment.status == "lapsed" and payment.confirmed_at and payment.voucher_id not in held
            is_due = payment.renew_at is not None and payment.renew_at <= now
            is_kept = bool(payment.sealed_code) and (payment.code_kept_until or now) > now
            is_free = payment.cancel_requested_at is None and not payment.has_open_operation
            return bool(is_held or counts) and is_due and is_kept and is_free

        return [payment for payment in self.database.all_payments() if is_ending(payment)]

    def keep_alive(self, payment: Payment) -> None:
        """Reserve the same amount again. Once the hold has ended, a refusal proves that it cannot be captured."""
        held_elsewhere = any(
            each.status == "authorized" and each is not payment
            for each in self.database.on_voucher(payment.voucher_id)
        )
        amount = max(payment.amount_authorized, cover.agreed(payment))
        if amount == ZERO or (payment.status == "lapsed" and held_elsewhere):
            return
        now = self.now()
        payment.renew_at = timing.next_renewal_at(now, payment.reserved_until or payment.dead_at or now)
        try:
            self.renew(payment, amount)
        except RefusedError:
            if payment.confirmed_at and self.is_evidence(payment):
                self.fail(payment)
            raise

    def _lapse(self) -> None:
        now = self.now()
        for payment in self.database.all_payments():
            is_dead = payment.dead_at is not None and payment.dead_at <= now
            if payment.status == "authorized" and is_dead and not payment.has_open_operation:
                self.mark_lapsed(payment)

    def _erase_codes(self) -> None:
        now = self.now()
        for payment in self.database.all_payments():
            expired = payment.code_kept_until is not None and payment.code_kept_until <= now
            if not payment.sealed_code or not expired or payment.status == "authorized":
                continue
            if payment.has_open_operation:
                continue
            counted = cover.outlives_hold(payment)
            if payment.status == "selected":
                self.change(payment, status="lapsed")
            self.change(payment, sealed_code="")
            if counted:
                self.tell("lapsed", payment)

    def look_at_statuses(self) -> None:
        """Run the verb that an order's status asks for, where it may have an effect."""
        if self.verb_of_status is None or self.run_by_status is None:
            return
        for number, payments in list(self.database.payments.items()):
            verb = self.verb_of_status(number)
            if verb and any(self.asks_for(verb, payment) for payment in payments):
                self.run_by_status(verb, number)

    def asks_for(self, verb: str, payment: Payment) -> bool:
        """Return whether the verb may change something, or has to say that the order is not paid."""
        return by_status.may_have_effect(verb, payment) or (verb == "capture" and cover.is_unpaid(payment))
