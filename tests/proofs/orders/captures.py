"""Capture: charge what an order's vouchers hold or have agreed. The rules decide."""

from collections.abc import Callable
from decimal import Decimal

from tests.proofs.orders.charges import Charges
from tests.proofs.orders.rows import ZERO, Operation, Order, Payment
from voucher_payment_gateway.exceptions import (
    AmountError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
    WrongStateError,
)
from voucher_payment_gateway.rules import cover
from voucher_payment_gateway.rules.states import HELD_BEFORE

__all__ = ["Captures", "Hooks"]

Hooks = list[Callable[[], None]]
"""What runs after the commit of the shop's transaction."""


class Captures(Charges):
    """Plans which vouchers are charged, and how much."""

    def capture(
        self,
        order: Order,
        amount: Decimal | None = None,
        *,
        key: str = "",
        hooks: Hooks | None = None,
        only: Payment | None = None,
    ) -> None:
        """Charge what is held, or ``amount`` of it; with ``hooks`` after the commit of the shop's transaction."""
        payments = [only] if only else self.database.of_order(order.number)
        if not payments:
            return
        total = self.facts(order)
        if self.was_made("capture", order.number, key, amount):
            return
        errors = self._resume(payments) if amount is None and hooks is None else []
        if (hooks is None and not errors) or not self.may_follow():
            self.refuse_if_open(payments)
        if amount is None:
            self.refuse_if_unpaid(payments, self.due(order.number, total))
        shares = self._shares(order.number, payments, total, amount)
        drafts = [self._draft(payment, share, amount, key) for payment, share in shares]
        self.note_key("capture", order.number, key, amount, drafts)
        if errors:
            raise errors[0]
        self._carry_out(drafts, hooks)

    def may_follow(self) -> bool:
        """Return whether a part may be written down behind another one of the same transaction."""
        return True

    def _carry_out(self, drafts: list[Operation], hooks: Hooks | None) -> None:
        errors: list[Exception] = []
        for draft in drafts:
            draft.is_planned_now = hooks is None
            if hooks is not None:
                hooks.append(lambda draft=draft: self.execute_due(draft))  # type: ignore[misc]
                continue
            try:
                self.execute_due(draft)
            except (RefusedError, UnavailableError, OutcomeUnknownError) as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _resume(self, payments: list[Payment]) -> list[VoucherGatewayError]:
        """Send what an earlier call left due. Where that is not possible yet, the rest is written down behind it."""
        errors: list[VoucherGatewayError] = []
        due = [op for each in payments for op in each.operations if (op.kind, op.state) == ("charge", "due")]
        for operation in due:
            try:
                self.execute_due(operation)
            except UnavailableError as error:
                errors.append(error)
        return errors

    def _shares(
        self, number: str, payments: list[Payment], total: Decimal, asked: Decimal | None
    ) -> list[tuple[Payment, Decimal]]:
        wanted = self._chargeable(payments, again=asked is not None)
        maximum = sum((amount for _, amount in wanted), ZERO)
        needed = self.due(number, total, without=[payment for payment, _ in wanted])
        captured = any(payment.status in ("captured", "refunded") for payment in payments)
        charging = any(payment.open_charge for payment in payments)
        if not wanted and not charging and (asked is not None or not captured):
            raise WrongStateError("nothing is held")
        if asked is None:
            return _fill(wanted, min(maximum, needed))
        if asked > maximum:
            raise AmountError("more than is held", code="more_than_held")
        if asked > needed:
            raise AmountError("more than is due", code="more_than_due")
        return _fill(wanted, asked)

    def _chargeable(self, payments: list[Payment], *, again: bool) -> list[tuple[Payment, Decimal]]:
        amounts = [
            (payment, self._maximum(payment, again=again))
            for status in ("authorized", "lapsed", "captured", "refunded")
            for payment in payments
            if payment.status == status and payment.cancel_requested_at is None
            if self.is_counted(payment) and (again or status in HELD_BEFORE or self.is_rest_agreed(payment))
        ]
        return [(payment, amount) for payment, amount in amounts if amount > ZERO]

    def _maximum(self, payment: Payment, *, again: bool) -> Decimal:
        held = payment.amount_authorized
        if payment.sealed_code and (again or not held):
            held = max(payment.amount_agreed - payment.amount_captured, ZERO)
        return held - payment.open_charge

    def is_counted(self, payment: Payment) -> bool:
        """Return whether a capture may take from the payment: of a confirmed order not from one that was let go, since
        another payment method has paid what it does not cover."""
        return bool(
            payment.status == "authorized"
            or payment.confirmed_at
            or not any(each.confirmed_at for each in self.database.of_order(payment.order_number))
        )

    def is_rest_agreed(self, payment: Payment) -> bool:
        """Return whether the rest of a captured payment counts as covering the order: then a capture takes it."""
        return cover.outlives_hold(payment)

    def refuse_if_unpaid(self, payments: list[Payment], due: Decimal) -> None:
        """Raise WrongStateError where a confirmed payment ended without having been captured, and is needed."""
        if due > ZERO and any(cover.is_unpaid(payment) for payment in payments):
            raise WrongStateError("not paid", code="not_paid")

    def report_unpaid(self, order: Order) -> None:
        for payment in self.database.of_order(order.number):
            if payment.status == "lapsed" and cover.is_unpaid(payment):
                self.fail(payment)

    # idempotency keys


def _fill(wanted: list[tuple[Payment, Decimal]], asked: Decimal) -> list[tuple[Payment, Decimal]]:
    shares, left = [], asked
    for payment, amount in wanted:
        if (share := min(left, amount)) > ZERO:
            shares.append((payment, share))
            left -= share
    return shares
