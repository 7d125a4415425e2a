"""An order from its checkout to its shipping, drawn from a seed: confirmed, looked at, changed, or cancelled."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

from tests.proofs.orders.remote import cents, euros
from tests.proofs.orders.returns import ProtectedError
from tests.proofs.orders.rows import ZERO, Order
from tests.proofs.orders.shop import Shop
from voucher_payment_gateway.exceptions import (
    OperationInProgressError,
    PaymentStateError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)

__all__ = ["DAY", "HOUR", "MINUTE", "RETRIES", "RETRY_SECONDS", "TOTALS", "Buying"]

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
DELAYS = (
    (0.25, 3 * MINUTE, 20 * MINUTE),
    (0.2, HOUR, 20 * HOUR),
    (0.25, 25 * HOUR, 9 * DAY),
    (0.22, 10 * DAY, 29 * DAY),
    (0.08, 31 * DAY, 40 * DAY),
)
"""How late shops ship: the share, and the shortest and longest delay."""
TOTALS = (300, 1000, 1000, 2000, 2500, 5000, 8000)
RETRIES, RETRY_SECONDS = 8, 12 * MINUTE

At = Callable[[float, Callable[[], None]], None]


class Buying:
    """What happens to one order. ``at`` schedules a step in seconds from now; ``reuse`` is given the number of an order
    that was deleted."""

    def __init__(
        self, shop: Shop, random: Random, at: At, uid: int, number: str, *, whole_returns: bool, reuse: Any
    ) -> None:
        self.shop, self.random, self.at = shop, random, at
        self.whole_returns, self.reuse = whole_returns, reuse
        self.uid, self.number = uid, number
        self.unit = cents(shop.options.unit)
        self.part = 0

    @property
    def story(self) -> Any:
        return self.shop.stories[self.uid]

    @property
    def order(self) -> Order | None:
        return self.shop.order(self.uid)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # checkout

    def begin(self, vouchers: list[str]) -> None:
        random = self.random
        if self.number in self.shop.gateway.database.orders:
            return
        total = euros(random.choice(TOTALS) * (self.unit if self.unit > 1 else 1))
        order = self.shop.new_order(self.uid, self.number, total)
        self.shop.note(f"order {self.uid}: number {self.number}, total {total}")
        for voucher_id in vouchers:
            self._enter(order, voucher_id)
        if self.chance(0.15):
            self._change_before_confirmation(order)
        if self.chance(0.06):
            return  # abandoned
        if self.chance(0.06):
            self.at(random.uniform(3 * MINUTE, 25 * MINUTE), self.ship_unconfirmed)
            return
        late = self.chance(0.15)
        self.at(
            random.uniform(35 * MINUTE, 26 * HOUR) if late else random.uniform(MINUTE, 20 * MINUTE),
            self.confirm,
        )

    def _enter(self, order: Order, voucher_id: str) -> None:
        """Enter a code; the customer goes on without a voucher that is refused."""
        gateway = self.shop.gateway
        assert order.total is not None
        try:
            if self.shop.options.keeps_codes and self.chance(0.4):
                gateway.select(order, voucher_id)
                return
            limit = self.part_of(order.total) if self.chance(0.1) else None
            gateway.authorize(order, voucher_id, limit)
            self.shop.note(f"order {self.uid}: enters {voucher_id}")
        except (RefusedError, PaymentStateError) as error:
            self.shop.note(f"order {self.uid}: {voucher_id} refused ({error.code})")

    def part_of(self, amount: Decimal) -> Decimal:
        units = cents(amount) // self.unit
        return euros(self.random.randint(1, max(units, 1)) * self.unit)

    def _change_before_confirmation(self, order: Order) -> None:
        assert order.total is not None
        order.total = self.part_of(order.total * 2)
        self.story.most = max(self.story.most, cents(order.total))

    # confirmation

    def confirm(self, *, again: bool = False, tries: int = 0) -> None:
        """The customer confirms; what is due then is collected by another payment method."""
        order, story = self.order, self.story
        if (
            order is None
            or story.is_ended
            or story.shipped_at is not None
            or (again and not story.is_confirmed)
        ):
            return
        try:
            self.shop.deliver("authorize", order)
        except (OperationInProgressError, UnavailableError):
            self.at(RETRY_SECONDS, lambda: self.confirm(again=again))
            return
        except RefusedError as error:
            self.shop.note(f"order {self.uid}: refused at the confirmation ({error.code})")
        except VoucherGatewayError as error:
            self.shop.unexpected(order, error)
        if again:
            return
        if tries < RETRIES and not self._is_firm(order):
            self.at(RETRY_SECONDS, lambda: self.confirm(tries=tries + 1))
            return
        story.is_confirmed = True
        self.shop.collect(order)
        self._plan()

    def _is_firm(self, order: Order) -> bool:
        """Return whether no voucher waits for its confirmation, as where another order was being charged: only then the
        shop takes what is due."""
        gateway = self.shop.gateway
        is_due = gateway.due(order.number, gateway.facts(order)) > ZERO
        return not any(
            payment.has_open_operation
            or (payment.status == "authorized" and not payment.confirmed_at)
            or (payment.status in ("selected", "lapsed") and payment.sealed_code and is_due)
            for payment in gateway.database.of_order(order.number)
        )

    def _plan(self) -> None:
        """Draw what happens between confirmation and shipping, and how it is shipped."""
        random = self.random
        _, shortest, longest = random.choices(DELAYS, [share for share, *_ in DELAYS])[0]
        delay = random.uniform(shortest, longest)
        for share, step in (
            (0.4, self.look),
            (0.15, lambda: self.confirm(again=True)),
            (0.15, self.change_total),
        ):
            if self.chance(share):
                self.at(random.uniform(0, delay), step)
        if self.chance(0.12):
            self.at(random.uniform(0, delay), self.cancel)
        self.at(delay, self.ship)

    def look(self) -> None:
        """Customer or staff look at what is due, and pay it."""
        if (order := self.order) and self.story.is_confirmed and not self.story.is_ended:
            self.shop.collect(order)

    def change_total(self) -> None:
        """A line is left out or added. What is due is asked for after the vouchers were looked at again."""
        order, story = self.order, self.story
        if order is None or order.total is None or story.is_ended or story.shipped_at is not None:
            return
        new = self.part_of(order.total * 2)
        self.shop.change_total(order, cents(new) - cents(order.total), new)
        self._authorize_again(order)

    def _authorize_again(self, order: Order) -> None:
        with suppress(OperationInProgressError, UnavailableError, RefusedError):
            self.shop.deliver("authorize", order)
        self.shop.collect(order)

    def cancel(self) -> None:
        """Cancel before shipping, or delete: what was collected goes back."""
        order, story = self.order, self.story
        if order is None or story.is_ended or story.shipped_at is not None:
            return
        deletes = self.chance(0.4)
        if deletes and self._delete(order):
            return
        self._twice(lambda: self.shop.deliver("cancel", order), order)
        self._end()
        if deletes:
            self.at(self.random.uniform(MINUTE, HOUR), lambda: self._delete_cancelled())

    def _delete(self, order: Order) -> bool:
        try:
            self.shop.gateway.delete(order)
        except ProtectedError:
            return False
        self.shop.note(f"order {self.uid}: deleted")
        self.shop.deleted += 1
        self._end()
        self.reuse(self.number)
        return True

    def _delete_cancelled(self) -> None:
        if order := self.order:
            self._delete(order)

    def _end(self) -> None:
        self.story.is_ended = True
        self.story.other_out = self.story.other_in

    def _twice(self, step: Callable[[], None], order: Order) -> None:
        """Deliver an event once, or twice."""
        for _ in range(2 if self.chance(0.25) else 1):
            try:
                step()
            except VoucherGatewayError as error:
                self.shop.unexpected(order, error)

    # shipping

    def ship(self, tries: int = 0) -> None:
        raise NotImplementedError

    def ship_unconfirmed(self) -> None:
        raise NotImplementedError
