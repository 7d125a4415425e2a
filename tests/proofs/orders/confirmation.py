"""The confirmation of an order: what it needs is held, and what was agreed counts from then on. No money moves."""

from collections.abc import Iterable
from decimal import Decimal

from tests.proofs.orders.checkout import Checkout
from tests.proofs.orders.holds import MAX_CONFLICTS, ConflictError, Request
from tests.proofs.orders.remote import Hold, euros
from tests.proofs.orders.rows import ZERO, Order, Payment
from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    RefusedError,
    ReservationClosedError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.rules import cover, timing
from voucher_payment_gateway.rules.states import HELD_BEFORE

__all__ = ["Confirmation"]


class Confirmation(Checkout):
    """Confirms the payments of an order."""

    def confirm(self, order: Order) -> list[Payment]:
        """Reserve what the order needs, and confirm its payments. Raises the first refusal after all were tried."""
        if not self.database.of_order(order.number):
            return []
        refusals, due, conflicts = [], None, 0  # type: list[VoucherGatewayError], Decimal | None, int
        while due != (left := self.due_for_vouchers(order)) and conflicts < MAX_CONFLICTS:
            due = left
            try:
                refusals += self._confirm(order)
            except ConflictError:
                due, conflicts = None, conflicts + 1
            if not self.others_take_over():
                break
        self.fix_what_is_due(order)
        if refusals:
            raise refusals[0]
        return [each for each in self.database.of_order(order.number) if each.status == "authorized"]

    def others_take_over(self) -> bool:
        """Return whether another voucher of the order takes what a refused or limited one has left: in the same
        confirmation, before another payment method does."""
        return True

    def due_for_vouchers(self, order: Order, *, without: Iterable[Payment] = ()) -> Decimal:
        """Return what is due without the promises that were broken: their shop was told, and what it collected for them
        is not charged to another voucher."""
        broken = (
            payment.amount_agreed - payment.amount_captured
            for payment in self.database.of_order(order.number)
            if cover.is_unpaid(payment)
        )
        left_out = list(without)
        due = self.due(order.number, self.facts(order), without=left_out)
        promised = sum((cover.agreed(payment) for payment in left_out), ZERO)
        return max(due - sum(broken, ZERO), min(due, promised))

    def fix_what_is_due(self, order: Order) -> None:
        """What a confirmation leaves due is for another payment method: no voucher takes it when it is repeated."""
        if self.due(order.number, self.facts(order)) > ZERO:
            for payment in self.database.of_order(order.number):
                if payment.confirmed_at is not None and payment.status == "authorized":
                    self.change(payment, amount_limit=payment.amount_agreed - payment.amount_captured)

    def _confirm(self, order: Order) -> list[VoucherGatewayError]:
        payments, total = self.database.of_order(order.number), self.facts(order)
        needing = self._needing_hold(order, total)
        self.refuse_if_open(needing)
        due = self.due_for_vouchers(order, without=needing)
        requests = self._requests(order, needing if due > ZERO else [])
        if needing and due == ZERO:
            self.release_unneeded(needing)
        if not requests and not self._unconfirmed(payments):
            return []
        touched = {request.payment.voucher_id for request in requests} | {
            payment.voucher_id for payment in self._unconfirmed(payments)
        }
        numbers = {voucher_id: self.next_confirmation(voucher_id) for voucher_id in touched}
        as_read = [payment.as_read() for payment in payments]
        self._share_out(
            requests, self.due_for_vouchers(order, without=[request.payment for request in requests])
        )
        if self.between:
            self.between.pop()()
        if as_read != [payment.as_read() for payment in payments] or self._is_taken(numbers):
            raise ConflictError
        return self._write(payments, requests, numbers)

    def next_confirmation(self, voucher_id: str) -> int:
        return max((each.confirmation for each in self.database.on_voucher(voucher_id)), default=0) + 1

    def _is_taken(self, numbers: dict[str, int]) -> bool:
        return any(self.next_confirmation(voucher_id) != number for voucher_id, number in numbers.items())

    def _needing_hold(self, order: Order, total: Decimal) -> list[Payment]:
        payments = self.database.of_order(order.number)
        due = self.due_for_vouchers(order)
        needed = self.due(order.number, total, without=payments)
        held = sum((payment.amount_authorized for payment in payments), ZERO)

        def is_wanting(payment: Payment) -> bool:
            if payment.cancel_requested_at is not None:
                return False
            if payment.status == "selected" or not self.is_usable(payment):
                return payment.status == "selected" or (
                    payment.status in HELD_BEFORE and bool(payment.sealed_code)
                )
            changed = held > needed or (due > ZERO and payment.amount_limit is None)
            may_change = bool(payment.sealed_code) and not payment.has_open_operation
            return may_change and (changed or timing.ends_soon(payment.reserved_until, self.now()))

        return [payment for payment in payments if is_wanting(payment)]

    def _requests(self, order: Order, needing: list[Payment]) -> list[Request]:
        to_confirm = [
            each for each in self._unconfirmed(self.database.of_order(order.number)) if each not in needing
        ]
        if not needing and not to_confirm:
            return []
        others = {payment: self.competing(payment) for payment in [*needing, *to_confirm]}
        self.refuse_if_in_flight(each for payments in others.values() for each in payments)
        most = self.due_for_vouchers(order, without=needing)
        requests = [
            Request(each, min(most, each.amount_limit or most), others[each], self.is_usable(each))
            for each in needing
        ]
        held = [
            Request(each, each.amount_authorized, others[each], self.is_usable(each)) for each in to_confirm
        ]
        self.limit([*requests, *held])
        requests += [each for each in held if each.answer or each.amount < each.payment.amount_authorized]
        self._reserve_all([request for request in requests if request.answer is None])
        return requests

    def limit(self, requests: Iterable[Request]) -> None:
        """Limit each request to what confirmed orders leave of its voucher."""
        for request in requests:
            try:
                request.amount = self.beside_confirmed(request.amount, request.others, request.payment)
            except VoucherGatewayError as error:
                request.answer = error
                request.holds = request.holds and not isinstance(error, RefusedError)

    def _reserve_all(self, requests: Iterable[Request]) -> None:
        for request in requests:
            if not request.payment.sealed_code:
                request.answer = ReservationClosedError()
                continue
            try:
                request.answer, is_all = self.reserve_beside(request.payment, request.amount, request.others)
                request.is_all = request.is_all or is_all
                self.refuse_if_short(request)
            except VoucherGatewayError as error:
                request.answer = error

    def refuse_if_short(self, request: Request) -> None:
        """A confirmed payment is held again for what was agreed, or it has failed: it does not count for less and tell
        nobody."""
        promised = min(cover.agreed(request.payment), request.amount)
        if not isinstance(request.answer, Hold) or euros(request.answer.cents) >= promised:
            return
        there = self.balance(request.payment.voucher_id, held=euros(request.answer.cents))
        self.remote.release(request.answer.id)
        self.change(request.payment, reserved_until=None)
        request.holds, request.is_short = False, there < promised
        request.answer = InsufficientBalanceError() if request.is_short else UnavailableError()

    def _share_out(self, requests: list[Request], due: Decimal) -> None:
        left = due - sum((cover.outstanding(each.payment) for each in requests if each.keeps_its_hold), ZERO)
        for request in sorted(requests, key=lambda request: request.payment.pk):
            if not isinstance(request.answer, Hold):
                continue
            there = euros(request.answer.cents)
            request.amount = max(min(there, left), ZERO)
            left -= request.amount
            if request.amount == ZERO:
                self.remote.release(request.answer.id)
                request.answer, request.is_needed = None, False
            elif request.amount < there:
                self._reserve_less(request, request.answer)

    def _reserve_less(self, request: Request, larger: Hold) -> None:
        """Reserve a smaller amount. Where the API counts the larger reservation against it, that one stays."""
        request.is_all = False
        self._reserve_all([request])
        if self.keeps_larger(request):
            request.answer = larger

    def keeps_larger(self, request: Request) -> bool:
        return isinstance(request.answer, RefusedError)

    def _unconfirmed(self, payments: Iterable[Payment]) -> list[Payment]:
        return [
            each
            for each in payments
            if each.status == "authorized" and not each.confirmed_at and not each.cancel_requested_at
        ]

    def release_unneeded(self, payments: list[Payment]) -> None:
        for payment in payments:
            if payment.status == "authorized":
                self.remote.release(payment.reservation_id)
            self.let_go(payment)

    def _write(
        self, payments: list[Payment], requests: list[Request], numbers: dict[str, int]
    ) -> list[VoucherGatewayError]:
        for request in requests:
            if isinstance(request.answer, RefusedError) and not request.holds:
                if not request.payment.confirmed_at or request.is_short or self.is_evidence(request.payment):
                    self.fail(request.payment)
            elif not request.is_needed:
                self.let_go(request.payment)
        for request in requests:
            if isinstance(request.answer, Hold):
                payment = request.payment
                self._supersede_remainders(payment.order_number, payment.voucher_id)
                limit = euros(request.answer.cents) if request.is_all else payment.amount_limit
                self._record_authorization(payment, request.answer, limit)
                self.note_confirmed(payment, numbers[payment.voucher_id])
        unanswered = [request.payment for request in requests if request.is_reported]
        for payment in self._unconfirmed(payments):
            if payment not in unanswered:
                self.note_confirmed(payment, numbers[payment.voucher_id])
        return [
            request.answer
            for request in requests
            if request.is_reported and isinstance(request.answer, VoucherGatewayError)
        ]

    def note_confirmed(self, payment: Payment, number: int) -> None:
        """Confirm a payment: what was agreed counts from now on."""
        confirmed_at = payment.confirmed_at or self.now()
        expiry = self.code_expiry(confirmed_at)
        self.change(payment, confirmed_at=confirmed_at, confirmation=number, code_kept_until=expiry)
        self.tell("confirmed", payment)
