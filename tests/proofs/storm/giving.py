"""What is given on vouchers: they are topped up, by their sale or their code, and money comes back as store credit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal as D
from random import Random
from typing import Any

from django.db import connection, transaction

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sandbox import LocalVoucherCloud

__all__ = ["GIFT_VERBS", "Given", "GivingStories", "Promise"]

GIFT_VERBS = {"top_up": 10, "top_up_code": 8, "credit": 9, "credit_sale": 9}
"""The weights of these stories, beside those of the sales."""
SAME_KEY_RATE, TWICE_RATE = 0.3, 0.5
"""How often a call of earlier is made again, and how often one is made twice at once."""


@dataclass
class Promise:
    """One call that the shop makes once, however often it calls: its key is also its reason, so that the rows of the
    shop tell what belongs to it."""

    verb: str
    key: str
    amount: D
    to: Any
    """A sale's primary key, a code, or the number of an order and perhaps a sale."""
    was_accepted: bool = False
    """Whether a call returned, and what it wrote was committed."""
    was_done: bool = False
    """Whether a call returned outside of a transaction: all that was to be sent was sent."""


@dataclass
class Given:
    """The calls of a day that give something."""

    promises: list[Promise] = field(default_factory=list)

    def earlier(self, random: Random, verb: str) -> Promise | None:
        """Return a call of earlier that is made again, if one is."""
        known = [each for each in self.promises if each.verb == verb]
        return random.choice(known) if known and random.random() < SAME_KEY_RATE else None

    def new(self, verb: str, amount: str, to: Any) -> Promise:
        promise = Promise(verb, f"{verb} {len(self.promises) + 1}", D(amount), to)
        self.promises.append(promise)
        return promise


class GivingStories:
    """The stories of top ups and store credit."""

    random: Random
    cloud: LocalVoucherCloud
    vouchers: list[Any]
    selling: list[Order]
    orders: list[Order]
    given: Given
    sold: Any

    def top_up(self, order: Order, voucher: Any, amount: str) -> None:
        """A voucher of the shop is topped up, by its sale."""
        sale = self._any_sale()
        if sale is None:
            return
        promise = self.given.earlier(self.random, "top_up") or self.given.new("top_up", amount, sale.pk)
        stored = VoucherSale.objects.get(pk=promise.to)
        self._give(promise, lambda: gateway.top_up(stored, promise.amount, **_named(promise)))

    def top_up_code(self, order: Order, voucher: Any, amount: str) -> None:
        """A voucher is topped up by its code: one of the shop that was handed over, or one that it does not know."""
        handed = [
            each.code for each in self.cloud.store.state.vouchers.values() if self.sold.times(each.code)
        ]
        pins = {each.code: each.pin for each in self.vouchers}
        code = self.random.choice([*handed, *pins])
        verb = "top_up_code"
        promise = self.given.earlier(self.random, verb) or self.given.new(verb, amount, code)
        pin = pins.get(promise.to, "")
        self._give(promise, lambda: gateway.top_up(promise.to, promise.amount, pin=pin, **_named(promise)))

    def credit(self, order: Order, voucher: Any, amount: str) -> None:
        """Money of an order that was paid otherwise comes back as a new voucher."""
        promise = self.given.earlier(self.random, "credit") or self.given.new("credit", amount, order.number)
        given = Order.objects.get(number=promise.to)
        recipient = {"recipient_email": "ada@example.org"}
        self._give(promise, lambda: gateway.credit(given, promise.amount, **recipient, **_named(promise)))

    def credit_sale(self, order: Order, voucher: Any, amount: str) -> None:
        """The same on a voucher that the customer has."""
        sale = self._any_sale()
        if sale is None:
            return
        to, verb = (order.number, sale.pk), "credit_sale"
        promise = self.given.earlier(self.random, verb) or self.given.new(verb, amount, to)
        number, pk = promise.to
        given, stored = Order.objects.get(number=number), VoucherSale.objects.get(pk=pk)
        self._give(promise, lambda: gateway.credit(given, promise.amount, sale=stored, **_named(promise)))

    def _any_sale(self) -> VoucherSale | None:
        """Return a voucher of the shop: an active one, if there is one, for the most part."""
        sales = VoucherSale.objects.order_by("pk")
        active = list(sales.filter(status="active"))
        among = active if active and self.random.random() < 0.9 else list(sales)
        return self.random.choice(among) if among else None

    def _give(self, promise: Promise, call: Callable[[], object]) -> None:
        for _ in range(2 if self.random.random() < TWICE_RATE else 1):
            call()
            self._note(promise)

    def _note(self, promise: Promise) -> None:
        def noted() -> None:
            promise.was_accepted = True

        if connection.in_atomic_block:
            transaction.on_commit(noted)
        else:
            promise.was_accepted = promise.was_done = True


def _named(promise: Promise) -> dict[str, str]:
    return {"key": promise.key, "reason": promise.key}
