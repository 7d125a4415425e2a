"""The stories of a day's orders: what shops, customers, tills and clerks do with sold vouchers, and when."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.remote import RefusalError, euros
from tests.proofs.simulation.sales.orders import Order
from tests.proofs.simulation.sales.remote import SaleRemote
from tests.proofs.simulation.sales.rows import KEY_IS_FREE, Sale
from tests.proofs.simulation.sales.shop import UNPAID_DAYS, SaleShop
from tests.proofs.simulation.sales.tills import recharge, spend, use_and_hold
from voucher_payment_gateway.rules import sales

__all__ = ["UNPAID_SECONDS", "Stories"]

EVENT_SECONDS, EVENTS = 900, 8
"""How often a sweep looks whether the wish of an event is stored: a process may crash or sleep before it writes."""
AMOUNTS = (500, 1000, 2500)
UNPAID_SECONDS = UNPAID_DAYS * 24 * 3600

Event = Callable[[], Process]
Schedule = Callable[[float, Callable[[], Process | None]], None]


class Stories:
    """Draws the stories of orders, and schedules what happens in them."""

    signals_alone = 0.4

    def __init__(
        self, shop: SaleShop, remote: SaleRemote, random: Random, returns: Random, schedule: Schedule
    ) -> None:
        self.shop, self.remote, self.random, self.schedule = shop, remote, random, schedule
        self.returns = returns
        """Draws what is about orders that come back alone."""
        self.orders: list[Order] = []
        self.latest = 0.0
        """The instant of the last event."""
        self._top_ups: dict[tuple[int, str], int] = {}
        self._asked = 0

    def wished_by_sale(self) -> dict[int, int]:
        """Return the cents by which the voucher of each sale was to be topped up: each key counts once."""
        wished: dict[int, int] = {}
        for (sale_pk, _), cents in self._top_ups.items():
            wished[sale_pk] = wished.get(sale_pk, 0) + cents
        return wished

    def sell(self, opened_at: float, number: str) -> None:
        """An order that sells one or more vouchers: issued, perhaps changed, paid in time, late or never."""
        random = self.random
        lines = {
            key: (random.choice(AMOUNTS), random.choice((1, 1, 1, 2)))
            for key in "ab"[: random.choice((1, 1, 1, 2))]
        }
        order = Order(number, lines, has_signals_alone=self.returns.random() < self.signals_alone)
        self.orders.append(order)
        if random.random() < 0.85:
            self._event(opened_at, lambda: self._sell(order, "issued"), lambda: self._is_issued(order))
        changed_at = opened_at + random.uniform(1, 1500)
        if random.random() < 0.3:
            self._at(changed_at, lambda: self._change(order))
        if random.random() < 0.75:
            late = random.random() < 0.2
            delay = random.uniform(0.8, 1.3) * UNPAID_SECONDS if late else random.uniform(1600, 5000)
            self._pay(order, opened_at + (random.uniform(1, 1500) if random.random() < 0.6 else delay))
        elif random.random() < 0.3:  # it is cancelled before it was paid
            self._return(order, opened_at + random.uniform(1, 3000))

    def _pay(self, order: Order, paid_at: float) -> None:
        random = self.random

        def pay() -> None:
            order.paid_at = paid_at
            for _ in range(2 if random.random() < 0.2 else 1):  # the webhook comes twice
                activate = lambda: self._sell(order, "active")  # noqa: E731
                self._send(order, paid_at + random.uniform(0, 3), activate, lambda: self._is_paid(order))

        self._at(paid_at, pay)
        if random.random() < 0.35:
            self._top_up(order, paid_at + random.uniform(60, 3000))
        used = random.random()
        returned_at = paid_at + (random.uniform(0, 60) if random.random() < 0.3 else random.uniform(60, 6000))
        if used < 0.35:
            spent_at = paid_at + random.uniform(30, 6000)
            if random.random() < 0.4:
                spent_at = returned_at + random.uniform(-3, 8)
            self._at(spent_at, lambda: self._spend(order, is_refunded=random.random() < 0.4))
        elif used < 0.5:
            self._at(paid_at + random.uniform(30, 3000), lambda: self._pay_another(order))
        if random.random() < 0.4:
            self._return(order, returned_at)
            if random.random() < 0.4:  # an event that comes again is no second payment
                again_at = returned_at + random.uniform(0, 900)
                self._at(again_at, lambda: self._sell(order, "active"))
        if random.random() < 0.15:
            self._at(paid_at + random.uniform(60, 5000), lambda: self._sell_one_more(order))
        if random.random() < 0.2:
            self._credit(order, paid_at + random.uniform(60, 5000))

    def _return(self, order: Order, returned_at: float) -> None:
        def give_back() -> None:
            order.returned_at = returned_at
            each = self.random.random() < 0.4 and not order.has_signals_alone
            take_back = lambda: self._take_back(order, each=each)  # noqa: E731
            self._send(order, returned_at, take_back, lambda: self._is_returned(order))

        self._at(returned_at, give_back)
        if self.returns.random() < 0.3:
            used_at = returned_at - self.returns.uniform(0, 1500)
            self._at(used_at, lambda: self._hold_over_return(order))

    def _take_back(self, order: Order, *, each: bool) -> Process:
        sold = {} if each else {key: euros(cents) for key, cents in order.sold().items()}
        return self.shop.take_back(order.number, sold, each=each)

    def _hold_over_return(self, order: Order) -> Process | None:
        active = [sale for sale in self._sales(order) if sale.status == "active"]
        return use_and_hold(self.shop, self.remote, self.returns, active[0].voucher_id) if active else None

    def _change(self, order: Order) -> Process | None:
        """The order is changed before it is paid: another quantity, or another amount."""
        if order.paid_at is not None or order.returned_at is not None or order.is_reduced:
            return None
        key = self.random.choice(list(order.lines))
        cents, quantity = order.lines[key]
        if self.random.random() < 0.6:
            order.lines[key] = (cents, 3 - quantity)
        else:
            order.lines[key] = (self.random.choice(AMOUNTS), quantity)
        self._event(self.shop.loop.now, lambda: self._sell(order, "issued"), lambda: self._is_issued(order))
        return None

    def _sell_one_more(self, order: Order) -> Process | None:
        """A second voucher of a line is sold and paid, after the first."""
        line = next((key for key, (_, quantity) in order.lines.items() if quantity == 1), None)
        if line is None or order.returned_at is not None or order.is_reduced:
            return None
        order.lines[line] = (order.lines[line][0], 2)
        activate = lambda: self._sell(order, "active")  # noqa: E731
        self._event(self.shop.loop.now, activate, lambda: self._is_paid(order))
        return None

    def _sell(self, order: Order, wanted: Any) -> Process:
        return self.shop.sell(
            order.number, {key: euros(cents) for key, cents in order.sold().items()}, wanted
        )

    def _sales(self, order: Order, origin: str = "sold") -> list[Sale]:
        return [
            sale
            for sale in self.shop.rows.of_order(order.number)
            if sale.origin == origin and sale.end_reason not in KEY_IS_FREE
        ]

    def _is_issued(self, order: Order) -> bool:
        sold = sorted(order.sold().values())
        return sorted(int(sale.amount * 100) for sale in self._sales(order)) == sold

    def _is_paid(self, order: Order) -> bool:
        return self._is_issued(order) and not self._may_change("activate", order)

    def _is_returned(self, order: Order) -> bool:
        return not self._may_change("take_back", order)

    def _may_change(self, verb: str, order: Order) -> bool:
        """Return whether the status of the order still asks for the verb: a sweep looks at it again."""
        return any(
            sales.may_change(verb, sale.status, sale.target)
            for sale in self._sales(order)
            if not sale.refusals and not self._is_refused(sale)
        )

    def _is_refused(self, sale: Sale) -> bool:
        return any(
            step.kind == "deactivate" and step.state == "refused" for step in self.shop.rows.steps(sale.pk)
        )

    def _top_up(self, order: Order, at: float) -> None:
        """Two workers top up a voucher: with the same key, or each with one of its own."""
        self._asked += 1
        first, second = f"{self._asked}a", f"{self._asked}b"
        keys = self.random.choice(((first, first), (first, second), (first,)))
        cents = self.random.choice((100, 250))

        def begin(key: str) -> Process | None:
            for sale in self._sales(order)[:1]:
                self._top_ups[sale.pk, key] = cents
                return self.shop.top_up(sale.pk, euros(cents), key)
            return None

        for key in keys:
            self._at(at + self.random.uniform(0, 3), lambda key=key: begin(key))
            self._at(at + self.random.uniform(600, 2500), lambda key=key: begin(key))  # it is asked for again
        if self.random.random() < 0.3:
            self._at(at + self.random.uniform(0, 20), lambda: self._recharge_at_till(order, cents))

    def _recharge_at_till(self, order: Order, cents: int) -> None:
        for sale in self._sales(order)[:1]:
            recharge(self.shop, self.remote, sale, cents)

    def _credit(self, order: Order, at: float) -> None:
        """Store credit, asked for twice with the same key: a new voucher, or a recharge of the one that was sold."""
        cents, key = self.random.choice(AMOUNTS), "c1"
        on_sale = self.random.random() < 0.5

        def begin() -> Process | None:
            if on_sale:
                for sale in self._sales(order)[:1]:
                    self._top_ups[sale.pk, "credit"] = cents
                    return self.shop.credit(order.number, euros(cents), key, sale.pk)
                return None
            order.credits[key] = cents
            return self.shop.credit(order.number, euros(cents), key)

        for delay in (0, self.random.uniform(0, 3), 700):
            self._at(at + delay, begin)

    def _spend(self, order: Order, *, is_refunded: bool) -> Process | None:
        """A customer spends all or a part at a till; sometimes the goods come back."""
        active = [sale for sale in self._sales(order) if sale.status == "active"]
        if not active:
            return None
        return spend(self.shop, self.remote, self.random, active[0], is_refunded=is_refunded)

    def _pay_another(self, order: Order) -> Process | None:
        """Another order of this shop is paid with the voucher, and perhaps comes back."""
        active = [sale for sale in self._sales(order) if sale.status == "active"]
        return self._pay_with(f"4{order.number}", active[0].voucher_id, is_ended=False) if active else None

    def _pay_with(self, number: str, voucher_id: str, *, is_ended: bool) -> Process:
        """Pay an order with a voucher and refund it, in one or two parts; the voucher may have ended meanwhile."""
        random, now, cents = self.random, self.shop.loop.now, self.random.choice((300, 500))
        pk = yield from self.shop.authorize(number, voucher_id, euros(cents))
        if pk is None:
            return
        self._at(now + random.uniform(1, 900), lambda: self.shop.capture(pk))
        returned_at = now + random.uniform(1500, 5000)
        if is_ended and random.random() < 0.8:
            endings = (
                ("expired", "inactive", "deleted") if self.shop.falls_back() else ("expired", "inactive")
            )
            ending = random.choice(endings)
            ended_at = returned_at + random.choice((-60.0, random.uniform(-2, 20)))
            self._at(ended_at, lambda: self.remote.end_voucher(voucher_id, ending))
        parts = random.choice(((None,), (None, None), (100, None)))
        for part in parts:
            amount = euros(part) if part else None
            self._at(returned_at, lambda amount=amount: self.shop.refund(pk, amount))
            returned_at += random.choice((1.0, 400.0, 1500.0))
        if is_ended and random.random() < 0.25:
            self._at(returned_at - random.uniform(0, 1600), lambda: self._refund_by_hand(pk))

    def _refund_by_hand(self, pk: int) -> None:
        charges = [op for op in self.shop.rows.of_payment(pk) if op.kind == "charge" and op.remote_id]
        for charge in charges:
            try:
                self.remote.refund(
                    self.shop.loop.now, charge.remote_id, int(charge.amount * 100), "clerk", None
                )
                self.shop.injector.seen["by hand"] += 1
            except RefusalError:
                return

    def fall_back(self, at: float, number: str) -> None:
        """An order that is paid with a voucher which ends before its refund."""
        if self.random.random() < 0.35:
            self._at(at, lambda: self._pay_with(number, "v0", is_ended=True))

    def _send(self, order: Order, at: float, do: Event, is_stored: Callable[[], bool]) -> None:
        """Let an event of an order come. A shop that uses signals alone looks at no status again: it sends the signal
        again until its receiver has returned, and never after that."""
        has_returned: list[bool] = []

        def receive() -> Process:
            yield from do()
            has_returned.append(True)

        if order.has_signals_alone:
            self._event(at, receive, lambda: bool(has_returned))
        else:
            self._event(at, do, is_stored)

    def _event(self, at: float, do: Callable[[], Process | None], is_stored: Callable[[], bool]) -> None:
        """Let an event come at an instant; a sweep looks again later, and repeats it where its wish is not stored."""

        def begin(left: int) -> Process | None:
            if left > 1:
                self._at(self.shop.loop.now + EVENT_SECONDS, lambda: begin(left - 1))
            return None if left < EVENTS and is_stored() else do()

        self._at(at, lambda: begin(EVENTS))

    def _at(self, at: float, do: Callable[[], Process | None]) -> None:
        self.latest = max(self.latest, at)
        self.schedule(max(at, self.shop.loop.now), do)
