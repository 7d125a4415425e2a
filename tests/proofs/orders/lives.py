"""The life of one order, drawn from a seed: checkout, confirmation, shipping after minutes or weeks, returns.

Each step is an event of its own, so that tills, other orders, sweeps and restores come between.
"""

from decimal import Decimal
from random import Random

from tests.proofs.orders.buying import DAY, MINUTE, RETRIES, RETRY_SECONDS, TOTALS
from tests.proofs.orders.oracle import TOLD
from tests.proofs.orders.remote import cents, euros
from tests.proofs.orders.rows import ZERO, Order
from tests.proofs.orders.shipping import Shipping
from tests.proofs.orders.shop import Shop
from voucher_payment_gateway.exceptions import (
    AmountError,
    PaymentStateError,
    VoucherGatewayError,
)

__all__ = ["Life", "try_odd_order"]


class Life(Shipping):
    """What happens to one order, to its last return."""

    def give_back(self, tries: int = 0) -> None:
        """A return, whole or in part; the voucher's part goes to the voucher, the rest back by the other method."""
        order, story = self.order, self.story
        if order is None or order.total is None or not story.goods or self._was_told():
            return
        units = story.goods // self.unit
        whole = self.whole_returns or self.chance(0.4) or units < 2
        value = story.goods if whole else self.random.randint(1, units - 1) * self.unit
        payments = self.shop.gateway.database.of_order(order.number)
        kept = sum((p.amount_captured - p.amount_refunded for p in payments), ZERO)
        if any(p.has_open_operation for p in payments):
            if tries < RETRIES:
                self.at(RETRY_SECONDS, lambda: self.give_back(tries + 1))
            return
        by_voucher = min(value, cents(kept))
        self._refund(order, by_voucher, whole=whole)
        story.other_out += min(value - by_voucher, story.other_in - story.other_out)
        story.goods -= value
        if self.shop.options.after_return == "lowered":
            order.total -= euros(value)
        self.shop.note(f"order {self.uid}: {value} returned, {by_voucher} of it to vouchers")
        if self.chance(0.3):
            self.at(self.random.uniform(MINUTE, 5 * DAY), self.exchange)

    def _was_told(self) -> bool:
        """Return whether something of this order waits for a person: the shop does nothing more by itself."""
        return any(at >= (self.story.shipped_at or 0.0) and what in TOLD for at, what in self.story.told)

    def _refund(self, order: Order, value: int, *, whole: bool) -> None:
        shop = self.shop
        if not value:
            return
        if whole:
            if self.chance(0.3):
                self._refund_in_transaction(order, [(None, "")])
                return
            self._twice(lambda: shop.deliver("refund", order), order)
            return
        amount, key = euros(value), self.key("return")
        if self.chance(0.3) and value >= 2 * self.unit:
            first = euros(self.random.randint(1, value // self.unit - 1) * self.unit)
            self._refund_in_transaction(order, [(first, key), (amount - first, self.key("return"))])
            return
        self._twice(lambda: shop.deliver("refund", order, amount, key), order)

    def _refund_in_transaction(self, order: Order, parts: list[tuple[Decimal | None, str]]) -> None:
        """One or two lines come back in one transaction; sometimes the process ends before its hooks run, and
        ``settle`` sends them."""
        shop, hooks = self.shop, []  # type: Shop, list[Callable[[], None]]
        for part, key in parts:
            self._twice(
                lambda part=part, key=key: shop._run(shop.gateway, "refund", order, part, key, hooks),  # type: ignore[misc]
                order,
            )
        if shop.options.by_status and parts[0][0] is None:
            order.status = "returned"
        if self.chance(0.3):
            shop.on_crash()
        else:
            self._run_hooks(hooks)

    def exchange(self) -> None:
        """Something else is sent in place of what came back: the total rises, and what is due is collected."""
        order, story = self.order, self.story
        if order is None or order.total is None or story.is_ended or self._was_told():
            return
        more = self.random.choice(TOTALS) * (self.unit if self.unit > 1 else 1)
        order.total += euros(more)
        story.most = max(story.most, cents(order.total))
        self.shop.note(f"order {self.uid}: exchanged for {more} more")
        self._authorize_again(order)
        try:
            self.shop.deliver("capture", order)
        except PaymentStateError as error:
            self.shop.note(f"order {self.uid}: {error.code}")
            story.told.append((self.shop.seconds(), "not_paid"))
        story.goods, story.shipped_at = story.goods + more, self.shop.seconds()


ODD = (None, Decimal("-5.00"), Decimal("0.00"), Decimal("12.345"))


def try_odd_order(shop: Shop, uid: int, number: str, random: Random) -> None:
    """An order without vouchers, whatever its facts: every event leaves it alone."""
    total, currency = random.choice(ODD), random.choice(("EUR", "", "BHD"))
    order = shop.new_order(uid, number, total, currency or "?")
    for verb in ("authorize", "capture", "refund", "cancel"):
        try:
            shop.deliver(verb, order)
        except (VoucherGatewayError, AmountError) as error:
            shop.unexpected(order, error)
