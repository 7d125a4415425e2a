"""How an order is shipped: as a whole or in parcels, alone or in a transaction, by an event or a status."""

from collections.abc import Callable

from tests.proofs.orders.buying import DAY, HOUR, RETRIES, RETRY_SECONDS, Buying
from tests.proofs.orders.remote import cents, euros
from tests.proofs.orders.rows import ZERO, Order
from voucher_payment_gateway.exceptions import (
    OperationInProgressError,
    PaymentStateError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)

__all__ = ["Shipping"]


class Shipping(Buying):
    """Captures, and ships unless it is told that the order is not paid."""

    def ship_unconfirmed(self) -> None:
        """A shop without the event ``authorize`` captures soon, and collects what is still due before it ships."""
        order = self.order
        if order is None or self.story.is_confirmed or self.story.is_ended:
            return
        try:
            self.shop.gateway.capture(order)
        except OperationInProgressError:
            self.at(RETRY_SECONDS, self.ship_unconfirmed)
            return
        except (RefusedError, PaymentStateError, UnavailableError):
            pass
        for payment in self.shop.gateway.database.of_order(order.number):
            if payment.status in ("selected", "lapsed", "authorized"):
                self.shop.gateway._cancel_payment(payment, None)
        self.shop.collect(order)
        self._handed_over(order)

    def ship(self, tries: int = 0) -> None:
        """Ship as a whole or in two parcels, alone or in a transaction, by an event or a status."""
        order, story = self.order, self.story
        if order is None or order.total is None or story.is_ended or story.shipped_at is not None:
            return
        if self.chance(0.5):
            self.shop.collect(order)
        try:
            self._ship(order)
        except (OperationInProgressError, UnavailableError) as error:
            if tries < RETRIES:
                self.at(RETRY_SECONDS, lambda: self.ship(tries + 1))
            else:
                self.shop.unexpected(order, error)
        except PaymentStateError as error:
            if error.code != "not_paid":
                self.shop.unexpected(order, error)
                return
            story.told.append((self.shop.seconds(), "not_paid"))
            self.shop.note(f"order {self.uid}: not paid")
            self._pay_otherwise(order)

    def _ship(self, order: Order) -> None:
        random, shop = self.random, self.shop
        style = random.random()
        if style < 0.12 and shop.options.by_status:
            order.status = "shipped"  # a bulk update, or a missed signal: nobody calls the gateway
        elif (
            style < 0.24
            and not shop.options.by_status
            and shop.options.keeps_codes
            and self._in_parcels(order)
        ):
            return
        elif style < 0.45:
            self._ship_in_transaction(order)
        else:
            for _ in range(2 if self.chance(0.2) else 1):
                shop.deliver("capture", order)
        self._handed_over(order)

    def _ship_in_transaction(self, order: Order) -> None:
        """``atomic(): capture(order); order.total = …``, and sometimes the process ends before its hook runs."""
        shop, hooks = self.shop, []  # type: Shop, list[Callable[[], None]]
        if shop.options.by_status:
            order.status = "shipped"
            shop._run_by_status(shop.gateway, "capture", order, hooks)
        else:
            shop._run(shop.gateway, "capture", order, hooks=hooks)
        assert order.total is not None
        change = 0
        if self.chance(0.5):
            new = self.part_of(order.total * 2)
            change = cents(new) - cents(order.total)
            order.total = new
        crashed = self.chance(0.25)
        shop.note(f"order {self.uid}: captured in a transaction, total {order.total}, crashed: {crashed}")
        if crashed:
            shop.on_crash()
        self._run_hooks([] if crashed else hooks)
        if change:
            shop.change_total(order, change, order.total)
            shop.collect(order)

    def _run_hooks(self, hooks: list[Callable[[], None]]) -> None:
        """The transaction is committed; what the hooks raise is logged."""
        for hook in hooks:
            try:
                hook()
            except VoucherGatewayError as error:
                self.shop.note(f"order {self.uid}: {error.code} after the commit")

    def _in_parcels(self, order: Order) -> bool:
        """Two parcels, each charged with a key of its own, in one transaction or one after the other."""
        shop, gateway = self.shop, self.shop.gateway
        shop.collect(order)
        agreed = gateway.agreed(order.number)
        captured = sum((p.amount_captured for p in gateway.database.of_order(order.number)), ZERO)
        agreed = min(agreed, gateway.facts(order) - captured)
        is_open = any(p.has_open_operation for p in gateway.database.of_order(order.number))
        if is_open or cents(agreed) < 2 * self.unit:
            return False
        first = euros(self.random.randint(1, cents(agreed) // self.unit - 1) * self.unit)
        parts = [(first, self.key("parcel")), (agreed - first, self.key("parcel"))]
        hooks: list[Callable[[], None]] | None = [] if self.chance(0.5) else None
        for amount, key in parts:
            for _ in range(2 if self.chance(0.3) else 1):
                shop._run(gateway, "capture", order, amount, key, hooks)
        self._run_hooks(hooks or [])
        shop.note(f"order {self.uid}: two parcels {parts}")
        self._handed_over(order)
        return True

    def key(self, what: str) -> str:
        self.part += 1
        return f"{what}-{self.uid}-{self.part}"

    def _pay_otherwise(self, order: Order) -> None:
        """The shop was told: it collects what is due and takes off what failed, or cancels."""
        story = self.story
        if self.chance(0.4):
            self._twice(lambda: self.shop.deliver("cancel", order), order)
            self._end()
            return
        self.shop.collect(order)
        for payment in self.shop.gateway.database.of_order(order.number):
            if payment.confirmed_at and payment.status in ("failed", "lapsed"):
                self.shop.gateway._cancel_payment(payment, None)
        try:
            self.shop.deliver("capture", order)
        except PaymentStateError as error:
            if error.code != "not_paid":
                self.at(RETRY_SECONDS, self.ship)
                return
            story.told.append((self.shop.seconds(), "not_paid"))
            self.at(RETRY_SECONDS, self.ship)
            return
        self._handed_over(order)

    def _handed_over(self, order: Order) -> None:
        story = self.story
        story.goods, story.shipped_at = cents(max(order.total or ZERO, ZERO)), self.shop.seconds()
        self.shop.note(f"order {self.uid}: shipped {order.total}")
        if self.chance(0.35):
            self.at(self.random.uniform(HOUR, 12 * DAY), self.give_back)

    # returns

    def give_back(self, tries: int = 0) -> None:
        raise NotImplementedError
