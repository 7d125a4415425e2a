"""The checkout: a code is entered. No money moves."""

from decimal import Decimal

from tests.proofs.orders.holds import Holds
from tests.proofs.orders.remote import Hold, euros
from tests.proofs.orders.rows import ZERO, Order, Payment
from voucher_payment_gateway.exceptions import (
    AmountError,
    OperationInProgressError,
)
from voucher_payment_gateway.rules.states import LIVE_STATUSES

__all__ = ["Checkout"]


class Checkout(Holds):
    """Selects and authorizes."""

    def select(self, order: Order, voucher_id: str) -> Payment:
        """Store a code for an order."""
        self.facts(order)
        payment = self._live_payment(order.number, voucher_id)
        self._refuse_open_remainders(order.number, voucher_id)
        self._supersede_remainders(order.number, voucher_id)
        if payment is None:
            payment = self._new_payment(order, voucher_id)
            self.database.add(payment)
        return payment

    def authorize(self, order: Order, voucher_id: str, amount: Decimal | None = None) -> Payment:
        """Reserve a voucher for what is due, or for what it holds if that is less."""
        total = self.facts(order)
        payment = self._live_payment(order.number, voucher_id) or self._new_payment(order, voucher_id)
        others = self.competing(payment)
        self.refuse_if_in_flight(others)
        if payment.cancel_requested_at is not None:
            raise OperationInProgressError
        self.refuse_if_open([payment])
        self._refuse_open_remainders(order.number, voucher_id)
        due = self.due(order.number, total, without=[payment])
        if due <= ZERO or (amount is not None and amount > due):
            raise AmountError("nothing is due, or less", code="nothing_due")
        wanted = due if amount is None else amount
        if payment.amount_authorized == wanted and self.is_usable(payment):
            return payment
        left = self.beside_confirmed(wanted, others, payment)
        hold, is_all = self.reserve_beside(payment, left, others)
        self._supersede_remainders(order.number, voucher_id)
        if not payment.pk:
            self.database.add(payment)
        limit = euros(hold.cents) if is_all or left < wanted else amount
        self._record_authorization(payment, hold, limit)
        return payment

    def _record_authorization(self, payment: Payment, hold: Hold, limit: Decimal | None) -> None:
        agreed = payment.amount_captured + euros(hold.cents)
        expiry = self.code_expiry(payment.confirmed_at)
        self.record_hold(payment, hold, amount_agreed=agreed, amount_limit=limit, code_kept_until=expiry)

    def _live_payment(self, number: str, voucher_id: str) -> Payment | None:
        return next(
            (
                payment
                for payment in self.database.of_order(number)
                if payment.voucher_id == voucher_id and payment.status in LIVE_STATUSES
            ),
            None,
        )

    def _new_payment(self, order: Order, voucher_id: str) -> Payment:
        code = voucher_id if self.options.keeps_codes else ""
        expiry = self.code_expiry(None)
        return Payment(order.number, voucher_id, order.uid, sealed_code=code, code_kept_until=expiry)

    def _remainders(self, number: str, voucher_id: str) -> list[Payment]:
        return [
            payment
            for payment in self.database.of_order(number)
            if payment.status in ("captured", "refunded")
            and payment.sealed_code
            and payment.voucher_id == voucher_id
        ]

    def _refuse_open_remainders(self, number: str, voucher_id: str) -> None:
        self.refuse_if_open(self._remainders(number, voucher_id))

    def _supersede_remainders(self, number: str, voucher_id: str) -> None:
        """The rest that earlier captures left is covered by the new payment."""
        for payment in self._remainders(number, voucher_id):
            self.change(payment, amount_agreed=payment.amount_captured, sealed_code="")
