"""What happens to orders that sell vouchers: issued, paid or not, changed, returned, redeemed in other orders."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal as D
from random import Random
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from tests.mail_settings import mail_settings
from tests.proofs.storm import mailbox
from tests.proofs.storm.faults import FaultInjector
from tests.shop.models import Order
from voucher_payment_gateway import gateway, signals
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sandbox import LocalVoucherCloud

__all__ = [
    "SALE_VERBS",
    "SaleStories",
    "Sold",
    "selling_orders",
    "selling_settings",
    "sells_vouchers",
]

SALE_VERBS = {
    "issue": 4,
    "pay": 10,
    "pay_again": 4,
    "send_back": 6,
    "change_line": 2,
    "redeem": 6,
    "spend": 3,
    "settle": 4,
}
"""The weights of the stories of sales, beside those of the other orders."""
NOTES = ("a=10.00", "a=20.00 b=5.00", "a=5.00 b=10.00")
ONE_DAY_IN = 3
"""One day in so many sells vouchers."""


def sells_vouchers(seed: int) -> bool:
    """Return whether the shop of a day sells vouchers. It is drawn apart, so that the other days stay as they are."""
    return Random(f"sells {seed}").randrange(ONE_DAY_IN) == 0


def selling_settings(seed: int) -> dict[str, Any]:
    delivery = Random(f"delivery {seed}").choice(("mail", "signal"))
    keys = settings.VOUCHER_PAYMENT_GATEWAY["SEALING_KEYS"]  # without them nothing can be sold
    return {
        "SOLD_VOUCHERS": "tests.shop.sold.vouchers",
        "VOUCHER_DELIVERY": delivery,
        "SEALING_KEYS": keys,
    }


def selling_orders(seed: int) -> list[Order]:
    """Return the order that may be paid, and the one that never is."""
    notes = Random(f"notes {seed}")
    return [
        Order.objects.create(number=f"{prefix}{seed}", total=D("30.00"), note=notes.choice(NOTES))
        for prefix in "SN"
    ]


@dataclass
class Sold:
    """What the shop of a day wanted of its sales, and what it was told and handed."""

    paid: set[str] = field(default_factory=set)
    """Orders whose vouchers the shop asked to activate, and that call was accepted and committed."""
    was_asked: set[str] = field(default_factory=set)
    """Orders for which the shop called ``activate`` at all, whatever became of it."""
    returned: set[str] = field(default_factory=set)
    """Orders whose vouchers the shop asked to take back, whatever became of it."""
    told: set[int] = field(default_factory=set)
    """Sales for which a review was requested."""
    codes: Counter[str] = field(default_factory=Counter)
    """The texts of mails, and the codes of signals, in which codes were handed over."""

    def times(self, code: str) -> int:
        """Return how often a code was handed over."""
        return sum(count for text, count in self.codes.items() if code in text)

    @contextmanager
    def listening(self, injector: FaultInjector) -> Iterator[None]:
        """Receive signals and mails; each may crash the worker, and a mail server may fail."""

        def handed(sender: object, sale: VoucherSale, code: str, **_: object) -> None:
            if code:
                injector.may_crash()
                self.codes[code] += 1
                injector.may_crash()

        def reviewed(sender: object, sale: VoucherSale, **_: object) -> None:
            self.told.add(sale.pk)

        with ExitStack() as around:
            for signal, receiver in (
                (signals.voucher_activated, handed),
                (signals.voucher_needs_review, reviewed),
            ):
                signal.connect(receiver)
                around.callback(signal.disconnect, receiver)
            backend = "tests.proofs.storm.mailbox.Mailbox"
            around.enter_context(override_settings(**mail_settings(backend)))
            mailbox.OPEN.append((injector, self.codes))
            around.callback(mailbox.OPEN.pop)
            yield


class SaleStories:
    """The stories of sales."""

    random: Random
    cloud: LocalVoucherCloud
    vouchers: list[Any]
    selling: list[Order]
    till_client: str
    sold: Sold

    def issue(self, order: Order, voucher: Any, amount: str) -> None:
        """The checkout is finished; the order is not paid yet."""
        gateway.issue(self._selling())

    def pay(self, order: Order, voucher: Any, amount: str) -> None:
        """The order is paid: its vouchers are activated."""
        sold = Order.objects.get(pk=self.selling[0].pk)
        self.sold.was_asked.add(sold.number)
        self._once_accepted(lambda: gateway.activate(sold), lambda: self.sold.paid.add(sold.number))

    def pay_again(self, order: Order, voucher: Any, amount: str) -> None:
        """A webhook comes twice."""
        self.pay(order, voucher, amount)
        self.pay(order, voucher, amount)

    def send_back(self, order: Order, voucher: Any, amount: str) -> None:
        """The order is returned."""
        sold = self._selling()
        self.sold.returned.add(sold.number)
        gateway.take_back(sold)

    def change_line(self, order: Order, voucher: Any, amount: str) -> None:
        """The customer changes what the order sells, before it is paid."""
        sold = self._selling()
        if sold.number not in self.sold.was_asked:
            sold.note = self.random.choice(NOTES)
            sold.save()
            gateway.issue(sold)

    def redeem(self, order: Order, voucher: Any, amount: str) -> None:
        """The recipient pays another order with a code that was handed over, and it ships."""
        found = [each for each in self._sold_vouchers() if self.sold.times(each.code)]
        if found:
            gateway.authorize(order, self.random.choice(found).code)
            gateway.capture(order)

    def spend(self, order: Order, voucher: Any, amount: str) -> None:
        """The recipient pays at a till."""
        found = [each for each in self._sold_vouchers() if self.sold.times(each.code)]
        if found:
            code = self.random.choice(found).code
            held = self.cloud.reserve(code, amount, client_id=self.till_client)
            self.cloud.charge(held, f"T-{order.number}", client_id=self.till_client)

    def all_vouchers(self) -> list[Any]:
        """Return all vouchers of the Voucher Cloud, also those that were sold or given, and those deleted since."""
        return list(self.cloud.store.state.vouchers.values())

    def _selling(self) -> Order:
        return Order.objects.get(pk=self.random.choice(self.selling).pk)

    def _sold_vouchers(self) -> list[Any]:
        return [each for each in self.cloud.store.state.vouchers.values() if each.id.startswith("vpg-")]

    def _once_accepted(self, call: Callable[[], object], note: Callable[[], object]) -> None:
        call()
        if connection.in_atomic_block:
            transaction.on_commit(note)
        else:
            note()
