"""The people of one day: customers, staff, the sweep, a till and a clerk, who all act at random."""

import os
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from decimal import Decimal as D
from random import Random
from typing import Any

import django.db
from django.db import transaction

from tests.shop.models import Order
from tests.storm.weather import Crash, Weather, client
from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.sandbox import ApiError, LocalVoucherCloud

__all__ = ["People"]

AMOUNTS = ("0.01", "3.33", "5.00", "5.00", "5.00", "10.00", "10.00", "20.00")
WAYS = ("alone", "alone", "alone", "in a transaction", "rolled back")
VERBS = {
    "authorize": 6,
    "capture": 5,
    "capture_part": 3,
    "select": 1,
    "confirm": 2,
    "reprice": 1,
    "refund": 2,
    "refund_part": 5,
    "cancel": 1,
    "cancel_payment": 1,
    "settle": 6,
    "till": 2,
    "copycat": 1,
    "clerk": 1,
}
MEANWHILE = {
    "authorize": 1,
    "capture": 2,
    "confirm": 1,
    "refund_part": 2,
    "cancel": 1,
    "settle": 10,
    "till": 2,
    "copycat": 1,
    "clerk": 1,
}
LONG = 700
"""From so many seconds on there is time for others to do more."""
IN_A_TRANSACTION = {"till": 2, "clerk": 1}


class RolledBackError(Exception):
    """The caller changed its mind at the end of its transaction."""


@dataclass
class People:
    """All who act on the orders and vouchers of a day. ``story`` tells what they did."""

    random: Random
    cloud: LocalVoucherCloud
    orders: list[Order]
    vouchers: list[Any]
    weather: Weather = field(init=False)
    story: list[str] = field(default_factory=list)
    frozen: bool = False
    dearest: dict[str, D] = field(default_factory=dict)
    """What each order cost at most."""

    def __post_init__(self) -> None:
        self.till_client = self.cloud.add_client(name="Till").id
        self.clerk_client = self.cloud.add_client(name="Clerk").id
        self.dearest = {order.number: order.total for order in self.orders}

    def act(self, verbs: dict[str, int] = VERBS) -> None:
        """Have somebody do something, in one of the ways a shop calls the gateway."""
        verb = self.random.choices(list(verbs), list(verbs.values()))[0]
        alone = self.frozen or verb in ("settle", "till", "copycat", "clerk", "reprice")
        self.do(verb, "alone" if alone else self.random.choice(WAYS))

    def do(self, verb: str, way: str = "alone", order: Order | None = None) -> None:
        """Do it as a worker of its own, and let it end as it will."""
        order, voucher = order or self.random.choice(self.orders), self.random.choice(self.vouchers)
        amount = self.random.choice(AMOUNTS)
        end = "done"
        connection._clients[os.getpid()] = client(self.cloud, self.weather)
        try:
            self._in_its_way(way, lambda: getattr(self, verb)(order, voucher, amount))
        except (VoucherGatewayError, django.db.Error, RolledBackError, ApiError, Crash) as error:
            end = f"{type(error).__name__} {getattr(error, 'code', '')}"
        at = self.cloud.clock.now().strftime("%d %H:%M:%S")
        what = f"{verb} {order.number} {voucher.code} {amount} {way}"
        self.story.append(f"{at} {'  meanwhile ' if self.frozen else ''}{what}: {end}")

    def meanwhile(self, seconds: float) -> None:
        """Let time pass, and others act, while one worker is frozen."""
        self.cloud.clock.advance(seconds)
        if self.frozen:
            return
        mine, self.frozen = connection._clients[os.getpid()], True
        freeze_rate, self.weather.freeze_rate = self.weather.freeze_rate, 0.0
        verbs = IN_A_TRANSACTION if django.db.connection.in_atomic_block else MEANWHILE
        try:
            for _ in range(self.random.randint(1, 2) if seconds < LONG else self.random.randint(2, 4)):
                Context().run(self.act, verbs)
                self.cloud.clock.advance(self.random.choice((1, 61)))
        finally:
            connection._clients[os.getpid()], self.frozen = mine, False
            self.weather.freeze_rate = freeze_rate

    def _in_its_way(self, way: str, do: Any) -> None:
        if way == "alone":
            do()
            return
        with transaction.atomic():
            do()
            if way == "rolled back":
                raise RolledBackError

    def authorize(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.authorize(order, voucher.code)

    def select(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.select(order, voucher.code)

    def confirm(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.authorize_selected(order)

    def reprice(self, order: Order, voucher: Any, amount: str) -> None:
        """The customer changes the basket."""
        order.total = D(self.random.choice(("5.00", "10.00", "20.00", "50.00")))
        order.save()
        self.dearest[order.number] = max(order.total, self.dearest.get(order.number, order.total))

    def capture(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.capture(order)

    def capture_part(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.capture(order, amount)

    def refund(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.refund(order)

    def refund_part(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.refund(order, amount)

    def cancel(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.cancel(order)

    def cancel_payment(self, order: Order, voucher: Any, amount: str) -> None:
        payments = list(VoucherPayment.objects.filter(order_number=order.number))
        if payments:
            gateway.cancel(self.random.choice(payments))

    def settle(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.settle()

    def till(self, order: Order, voucher: Any, amount: str) -> None:
        """A till of another shop of the same group, that keeps our order numbers too."""
        held = self.cloud.reserve(voucher.code, amount, client_id=self.till_client)
        if self.random.random() < 0.5:
            self.cloud.charge(held, order.number, client_id=self.till_client)

    def copycat(self, order: Order, voucher: Any, amount: str) -> None:
        """A till whose number and amount look like a charge of ours that may be under way."""
        charges = VoucherPayment.objects.filter(
            operations__kind="charge", operations__state__in=("sending", "unknown")
        ).values_list("voucher_id", "operations__reference", "operations__amount")
        codes = {each.id: each.code for each in self.vouchers}
        for voucher_id, reference, due in charges:
            with suppress(ApiError):
                held = self.cloud.reserve(codes[voucher_id], D(due), client_id=self.till_client)
                self.cloud.charge(held, f"{reference}0", client_id=self.till_client)

    def clerk(self, order: Order, voucher: Any, amount: str) -> None:
        """Somebody refunds one of the voucher's charges by hand, with credentials of their own."""
        charges = [row for row in self.cloud.bookings(voucher.id) if row.type == "charge"]
        if charges:
            self.cloud.refund(self.random.choice(charges).id, amount, client_id=self.clerk_client)
