"""The mutations of sales: plausible but wrong versions of the rules and of the client, and days that notice them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.proofs.simulation.calls import MORNING
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import ZERO, Operation
from tests.proofs.simulation.sales.orders import Order
from tests.proofs.simulation.sales.shop import SaleShop
from tests.proofs.simulation.sales.stories import UNPAID_SECONDS, Stories
from voucher_payment_gateway.rules import sales


def not_finished(next_step: Any) -> Any:
    return lambda status, target, *, was_sent: next_step(status, target, was_sent=False)


def unpaid_by_age(is_unpaid_too_long: Any) -> Any:
    return lambda status, target, created_at, now, *, days: is_unpaid_too_long(
        status if status in ("taken_back", "failed") else "issued",
        "taken_back" if target == "taken_back" else "issued",
        created_at,
        now,
        days=days,
    )


def nothing_is_spent(spent_amount: Any) -> Any:
    return lambda bookings: ZERO


def came_back_is_spent(spent_amount: Any) -> Any:
    return lambda bookings: spent_amount([row for row in bookings if row.type == "charge"])


def exact_keys(matched_by_key: Any) -> Any:
    return lambda standing, wanted, *, given_up, taken_back: {
        key: key for key in wanted if key in (*standing, *given_up, *taken_back)
    }


def returned_as_well(matched_by_key: Any) -> Any:
    return lambda standing, wanted, *, given_up, taken_back: matched_by_key(
        [*standing, *taken_back], wanted, given_up=given_up
    )


def given_up_is_gone(matched_by_key: Any) -> Any:
    return lambda standing, wanted, *, given_up, taken_back: matched_by_key(
        standing, wanted, taken_back=taken_back
    )


def also_recharges(kinds: Any) -> Any:
    return (*kinds, "recharge")


def final_at_once(bookings_are_final_from: Any) -> Any:
    return lambda holds_end_at, list_lag: MORNING


class NewIds(SaleShop):
    """Creates a voucher under a new id with each attempt."""

    def create_remotely(self, voucher_id: str, cents: int, by: int) -> Process:
        attempt = self.rows.operations[by].attempts
        another = voucher_id if attempt == 1 else f"{voucher_id}.{attempt}"
        return super().create_remotely(another, cents, by)


class TakenIsRefused(SaleShop):
    """Believes that a creation which is refused has created nothing."""

    def issue_remotely(self, operation: Operation) -> Process:
        cents = int(operation.amount * 100)
        operation.code = yield from self.create_remotely(operation.voucher_id, cents, operation.pk)
        return operation.voucher_id

    def read_evidence(self, operation: Operation) -> Process:
        found = yield from super().read_evidence(operation)
        return replace(found, verdict="absent", remote_id="") if operation.kind == "issue" else found


class FindsNoCode(SaleShop):
    """Records a voucher that a read has found without its code."""

    def read_evidence(self, operation: Operation) -> Process:
        found = yield from super().read_evidence(operation)
        operation.code = ""
        return found


class GivesUpCreations(SaleShop):
    """Ends a sale that is to be taken back, though its creation may still arrive."""

    def execute_due(self, operation: Operation) -> Process:
        if operation.kind == "issue" and self.rows.sales[operation.sale_pk].target == "taken_back":
            self.rows.compare_and_set(operation, state="not_applied")
            return
        yield from super().execute_due(operation)


class ActivatesUnpaid(SaleShop):
    """Activates what was only ordered."""

    def sell(self, order_number: str, sold: dict[str, Decimal], wanted: sales.SaleTarget) -> Process:
        return super().sell(order_number, sold, "active")


class ForgetsReturns(SaleShop):
    """Writes nothing down where an order comes back of which nothing is sold yet."""

    def _note_return(self, order_number: str, sold: dict[str, Decimal]) -> Process:
        yield 0.0


class ForgetsKeys(SaleShop):
    """Does not look up the idempotency key of a call."""

    def _known(self, key: tuple[str, ...]) -> int | None:
        return None


class SoonChanged(Stories):
    """Orders that are changed while the creation of their vouchers may still arrive, and never paid."""

    def sell(self, opened_at: float, number: str) -> None:
        order = Order(number, {"a": (2500, 1)})
        self.orders.append(order)
        self._at(opened_at, lambda: self._sell(order, "issued"))
        self._at(opened_at + self.random.uniform(1, 30), lambda: self._change(order))


class PartlyReturned(Stories):
    """Lines of two vouchers, one of which is taken back alone before the payment, which may come late."""

    def sell(self, opened_at: float, number: str) -> None:
        order = Order(number, {"a": (2500, 2)})
        self.orders.append(order)
        self._event(opened_at, lambda: self._sell(order, "issued"), lambda: self._is_issued(order))
        self._pay(order, opened_at + self.random.choice((1500, 1.2 * UNPAID_SECONDS)))


class ByStatus(Stories):
    """Orders of a shop that uses statuses."""

    signals_alone = 0.0


class SoonReturned(Stories):
    """Vouchers that are spent, refunded, topped up and returned soon after their payment."""

    def _pay(self, order: Order, paid_at: float) -> None:
        random = self.random

        def pay() -> None:
            order.paid_at = paid_at
            self._event(paid_at, lambda: self._sell(order, "active"), lambda: self._is_paid(order))

        self._at(paid_at, pay)
        returned_at = paid_at + random.uniform(40, 1500)
        if random.random() < 0.7:
            self._at(paid_at + random.uniform(5, 60), lambda: self._spend(order, is_refunded=True))
        else:
            self._at(returned_at + random.uniform(-2, 5), lambda: self._spend(order, is_refunded=False))
        if random.random() < 0.5:
            self._at(returned_at - random.uniform(0, 60), lambda: self._recharge_at_till(order, 1000))
        self._return(order, returned_at)


class HeldOverReturn(Stories):
    """Vouchers that a till holds while their order comes back."""

    def _pay(self, order: Order, paid_at: float) -> None:
        self._at(paid_at, lambda: setattr(order, "paid_at", paid_at))
        self._event(paid_at, lambda: self._sell(order, "active"), lambda: self._is_paid(order))
        self._at(paid_at + 60, lambda: self._hold_over_return(order))
        self._return(order, paid_at + 60 + self.returns.uniform(10, 1500))


class ReturnedAtOnce(Stories):
    """Orders of a shop that uses signals alone, which come back while the worker that sells them may be frozen."""

    def sell(self, opened_at: float, number: str) -> None:
        order = Order(number, {"a": (2500, 1)}, has_signals_alone=True)
        self.orders.append(order)
        self._at(opened_at, lambda: setattr(order, "paid_at", opened_at))
        self._send(order, opened_at, lambda: self._sell(order, "active"), lambda: self._is_paid(order))
        self._return(order, opened_at + self.returns.uniform(1, 60))


class OftenRefunded(Stories):
    """Orders that are paid with a voucher and refunded in parts, and a clerk who refunds as well."""

    def sell(self, opened_at: float, number: str) -> None:
        self._at(opened_at, lambda: self._pay_with(number, "v0", is_ended=True))


class OftenToppedUp(Stories):
    """Vouchers that are topped up again and again."""

    def _pay(self, order: Order, paid_at: float) -> None:
        super()._pay(order, paid_at)
        for _ in range(3):
            self._top_up(order, paid_at + self.random.uniform(60, 3000))
