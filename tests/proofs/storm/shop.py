"""The people of one day: customers, staff, the sweep, another shop's till and a clerk, who all act at random."""

import os
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from decimal import Decimal as D
from random import Random
from typing import Any

import django.db
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from tests.proofs.storm.faults import Crash, FaultInjector
from tests.proofs.storm.giving import Given, GivingStories
from tests.proofs.storm.network import client
from tests.proofs.storm.record import Record
from tests.proofs.storm.review import Reviewer
from tests.proofs.storm.selling import SaleStories, Sold
from tests.proofs.storm.stories import ORDER_VERBS, TOTALS, OrderStories
from tests.proofs.storm.unusable import UnusableStories
from tests.shop import signals
from tests.shop.models import Order
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
    "status": 4,
    "event": 3,
    "office": 1,
    "guess": 1,
    "token": 1,
    **ORDER_VERBS,
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
    "status": 1,
    "token": 2,
    "ship": 1,
    "keyed_refund": 1,
}
ALONE = (
    "settle",
    "till",
    "spend",
    "copycat",
    "clerk",
    "reprice",
    "office",
    "guess",
    "token",
    "wait",
    "see_page",
)
"""Actions without a verb of the gateway, or with one that must not run in a transaction."""

STATUSES = ("confirmed", "shipped", "shipped", "returned", "cancelled")
EVENTS = ("confirmed", "shipped", "shipped", "returned", "aborted")
TOKEN_TROUBLE = ("before:503", "before:drop", "after:drop", "after:garbage", "before:401", "before:500")
LONG_FREEZE_SECONDS = 700
"""The minimum seconds of a freeze in which other workers do more."""
IN_A_TRANSACTION = {"till": 2, "clerk": 1}


class RolledBackError(Exception):
    """The caller rolls its transaction back."""


@dataclass
class People(OrderStories, SaleStories, GivingStories, UnusableStories, Reviewer):
    """All who act on the orders and vouchers of a day. ``story`` logs what they did."""

    random: Random
    cloud: LocalVoucherCloud
    orders: list[Order]
    vouchers: list[Any]
    injector: FaultInjector = field(init=False)
    story: list[str] = field(default_factory=list)
    frozen: bool = False
    meanwhile_verbs: dict[str, int] = field(default_factory=lambda: MEANWHILE)
    highest_totals: dict[str, D] = field(default_factory=dict)
    """The highest total that each order had."""
    record: Record = field(default_factory=Record)
    selling: list[Order] = field(default_factory=list)
    """Orders that sell vouchers, and are paid otherwise."""
    sold: Sold = field(default_factory=Sold)
    given: Given = field(default_factory=Given)

    def __post_init__(self) -> None:
        self.till_client = self.cloud.add_client(name="Till").id
        self.clerk_client = self.cloud.add_client(name="Clerk").id
        self.highest_totals = {order.number: order.total for order in self.orders}
        for order in self.orders:
            self.record.total_changes(order, self.now)

    def act(self, verbs: dict[str, int] = VERBS) -> None:
        """Draw an action and how a shop calls it: alone, in a transaction, or rolled back."""
        verb = self.random.choices(list(verbs), list(verbs.values()))[0]
        alone = self.frozen or verb in ALONE
        self.do(verb, "alone" if alone else self.random.choice(WAYS))

    def do(self, verb: str, way: str = "alone", order: Order | None = None) -> None:
        """Run the action as a new worker, and log how it ended."""
        order, voucher = order or self.random.choice(self.orders), self.random.choice(self.vouchers)
        amount = self.random.choice(AMOUNTS)
        end, failures = "done", self.injector.failures
        worker = connection._clients[os.getpid(), ""] = client(self.cloud, self.injector)
        try:
            self._call_in_mode(way, lambda: getattr(self, verb)(order, voucher, amount))
        except (VoucherGatewayError, django.db.Error, RolledBackError, ApiError, Crash) as error:
            end = f"{type(error).__name__} {getattr(error, 'code', '')}"
            self.injector.seen[f"{verb}: {type(error).__name__}"] += 1
        if verb == "ship_changed":
            self.read_total(order)
        if self.injector.failures == failures:
            self.injector.answered.update(worker.answers)
        at = self.cloud.clock.now().strftime("%d %H:%M:%S")
        what = f"{verb} {order.number} {voucher.code} {amount} {way}"
        self.story.append(f"{at} {'  meanwhile ' if self.frozen else ''}{what}: {end}")

    def meanwhile(self, seconds: float) -> None:
        """Let time pass and other workers act while one worker is frozen."""
        self.cloud.clock.advance(seconds)
        if self.frozen:
            return
        mine, self.frozen = connection._clients[os.getpid(), ""], True
        freeze_rate, self.injector.freeze_rate = self.injector.freeze_rate, 0.0
        verbs = IN_A_TRANSACTION if django.db.connection.in_atomic_block else self.meanwhile_verbs
        try:
            for _ in range(
                self.random.randint(1, 2) if seconds < LONG_FREEZE_SECONDS else self.random.randint(2, 4)
            ):
                Context().run(self.act, verbs)
                self.cloud.clock.advance(self.random.choice((1, 61)))
        finally:
            connection._clients[os.getpid(), ""], self.frozen = mine, False
            self.injector.freeze_rate = freeze_rate

    def _call_in_mode(self, way: str, do: Any) -> None:
        if way == "alone":
            do()
            return
        with transaction.atomic():
            do()
            if way == "rolled back":
                raise RolledBackError

    def authorize(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.authorize(order, voucher.code, pin=voucher.pin)

    def select(self, order: Order, voucher: Any, amount: str) -> None:
        with suppress(ImproperlyConfigured):  # no code is stored in a day without SEALING_KEYS
            gateway.select(order, voucher.code, pin=voucher.pin)

    def guess(self, order: Order, voucher: Any, amount: str) -> None:
        """A visitor knows a code, and tries a PIN."""
        gateway.authorize(order, voucher.code, pin="0000")

    def confirm(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.authorize_selected(order)

    def reprice(self, order: Order, voucher: Any, amount: str) -> None:
        """The customer changes the basket."""
        self.change_total(order, self.random.choice(TOTALS))

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

    def status(self, order: Order, voucher: Any, amount: str) -> None:
        """The shop saves a changed status, without calling a verb."""
        stored = Order.objects.get(pk=order.pk)
        stored.status = self.random.choice(STATUSES)
        stored.save()

    def event(self, order: Order, voucher: Any, amount: str) -> None:
        """The shop sends a signal of its own; for a return perhaps with the amount."""
        name = self.random.choice(EVENTS)
        more = {"amount": D(amount)} if name == "returned" and self.random.random() < 0.7 else {}
        getattr(signals, name).send(sender=Order, order=Order.objects.get(pk=order.pk), **more)

    def settle(self, order: Order, voucher: Any, amount: str) -> None:
        gateway.settle()

    def till(self, order: Order, voucher: Any, amount: str) -> None:
        """A till of another shop of the same group, which uses the same order numbers."""
        held = self.cloud.reserve(voucher.code, amount, pin=voucher.pin, client_id=self.till_client)
        if self.random.random() < 0.5:
            self.cloud.charge(held, order.number, client_id=self.till_client)

    def copycat(self, order: Order, voucher: Any, amount: str) -> None:
        """A till whose order number and amount look like a charge of ours that may be in flight."""
        charges = VoucherPayment.objects.filter(
            operations__kind="charge", operations__state__in=("sending", "unknown")
        ).values_list("voucher_id", "operations__reference", "operations__amount")
        known = {each.id: each for each in self.vouchers}
        for voucher_id, reference, due in [each for each in charges if each[0] in known]:
            with suppress(ApiError):
                code, pin = known[voucher_id].code, known[voucher_id].pin
                held = self.cloud.reserve(code, D(due), pin=pin, client_id=self.till_client)
                self.cloud.charge(held, f"{reference}0", client_id=self.till_client)

    def clerk(self, order: Order, voucher: Any, amount: str) -> None:
        """A clerk refunds one of the voucher's charges by hand, with other credentials."""
        charges = [row for row in self.cloud.bookings(voucher.id) if row.type == "charge"]
        if charges:
            self.cloud.refund(self.random.choice(charges).id, amount, client_id=self.clerk_client)

    def office(self, order: Order, voucher: Any, amount: str) -> None:
        """The back office deactivates a voucher, or activates it again."""
        self.cloud.set_status(voucher.id, self.random.choice(("active", "active", "inactive")))

    def token(self, order: Order, voucher: Any, amount: str) -> None:
        """Tokens are revoked, or no new ones are issued for a while."""
        if self.random.random() < 0.5:
            self.cloud.revoke_tokens()
        else:
            fault, times = self.random.choice(TOKEN_TROUBLE), self.random.randint(1, 3)
            self.cloud.faults.next(fault, path="/oauth/token", times=times)
