"""What happens to the orders of a day: they are confirmed, ship days later, in parcels, change, and come back."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal as D
from random import Random
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from tests.proofs.storm.faults import FaultInjector
from tests.proofs.storm.record import Record
from tests.shop import signals
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.sandbox import LocalVoucherCloud

__all__ = ["ORDER_VERBS", "OrderStories"]

ORDER_VERBS = {
    "checkout": 4,
    "ship": 3,
    "wait": 2,
    "keyed_capture": 2,
    "keyed_refund": 2,
    "keyed_event": 1,
    "parcels": 2,
    "ship_changed": 2,
    "bulk": 2,
    "ship_rest": 1,
}
"""The weights of the stories of orders, beside those of single verbs."""

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
WAITS = (20 * MINUTE, 40 * MINUTE, 5 * HOUR, 26 * HOUR, 3 * DAY, 12 * DAY, 31 * DAY)
"""How long an order waits until it ships; the last is beyond ``CONFIRMED_DAYS``."""

BULK_STATUSES = ("confirmed", "shipped", "shipped", "shipped", "returned", "cancelled")
TOTALS = ("5.00", "10.00", "20.00", "50.00")


class OrderStories:
    """The stories of orders. ``record`` keeps what the shop was told, and what each order cost when."""

    random: Random
    cloud: LocalVoucherCloud
    record: Record
    injector: FaultInjector
    highest_totals: dict[str, D]

    @property
    def after_return(self) -> str:
        """Whether this day's shop lowers a total when something of its order comes back."""
        return str(settings.VOUCHER_PAYMENT_GATEWAY.get("TOTAL_AFTER_RETURN", "stays"))

    @property
    def stores_codes(self) -> bool:
        return bool(settings.VOUCHER_PAYMENT_GATEWAY["SEALING_KEYS"])

    def wait(self, order: Order, voucher: Any, amount: str) -> None:
        """Time passes, with a sweep now and then."""
        seconds, sweeps = self.random.choice(WAITS), self.random.randint(1, 2)
        for _ in range(sweeps):
            self.cloud.clock.advance(seconds / sweeps)
            gateway.settle()

    def checkout(self, order: Order, voucher: Any, amount: str) -> None:
        """The customer enters a voucher and confirms the order."""
        gateway.authorize(order, voucher.code, pin=voucher.pin)
        gateway.authorize_selected(order)

    def ship(self, order: Order, voucher: Any, amount: str) -> None:
        """The shop ships: it calls the verb, or sends its signal."""
        if self.random.random() < 0.5:
            self.accepted(order, lambda: gateway.capture(order))
        else:
            self.accepted(order, lambda: signals.shipped.send(sender=Order, order=order))

    def ship_rest(self, order: Order, voucher: Any, amount: str) -> None:
        """A first parcel, and at once the rest of the order."""
        gateway.capture(order, amount)
        self.accepted(order, lambda: gateway.capture(order))

    def ship_changed(self, order: Order, voucher: Any, amount: str) -> None:
        """The order ships and has another total by the end of the transaction."""
        with transaction.atomic():
            self.accepted(order, lambda: gateway.capture(order))
            self.change_total(order, self.random.choice(TOTALS))
            self.cloud.clock.advance(1)
            self.record.planned_before(order.number, self.now)

    def parcels(self, order: Order, voucher: Any, amount: str) -> None:
        """Two parcels, or two return lines, in one transaction."""
        verb = self.random.choice((gateway.capture, gateway.capture, gateway.refund))
        with transaction.atomic():
            verb(order, amount)
            verb(order, amount)

    def keyed_capture(self, order: Order, voucher: Any, amount: str) -> None:
        """A job captures a part; it may run twice, now or later."""
        self._twice(lambda key: gateway.capture(order, amount, key=key, reason=key), f"parcel {amount}")

    def keyed_refund(self, order: Order, voucher: Any, amount: str) -> None:
        """A return is booked by a job that may run twice."""
        self._twice(lambda key: gateway.refund(order, amount, key=key, reason=key), f"return {amount}")
        if self.after_return == "lowered":
            self.change_total(order, str(max(order.total - D(amount), D("0.00"))))

    def keyed_event(self, order: Order, voucher: Any, amount: str) -> None:
        """A signal with a key is delivered twice."""
        signal, what = self.random.choice(((signals.shipped, "parcel"), (signals.returned, "return")))

        def send(key: str) -> None:
            signal.send(sender=Order, order=order, amount=D(amount), key=key, reason=key)

        self._twice(send, f"{what} {amount}")

    def bulk(self, order: Order, voucher: Any, amount: str) -> None:
        """The back office changes the status of orders without saving one."""
        Order.objects.filter(pk=order.pk).update(status=self.random.choice(BULK_STATUSES))

    def change_total(self, order: Order, total: str) -> None:
        """Change what the order costs, for a while at least where the transaction is rolled back."""
        order.refresh_from_db()
        order.total = D(total)
        self.record.total_changes(order, self.now)
        self.highest_totals[order.number] = max(order.total, self.highest_totals[order.number])
        order.save()

    def read_total(self, order: Order) -> None:
        """Note what the order costs where a transaction that changed it was rolled back."""
        noted = order.total
        with self.injector.paused():
            order.refresh_from_db(fields=["total"])
        if order.total != noted:
            self.record.total_changes(order, self.now)

    def accepted(self, order: Order, call: Callable[[], object]) -> None:
        """Call a verb that ships the order. Where nothing is raised and all is committed the order ships: it must be
        paid, or told. After the commit the process may crash."""
        is_unpaid = VoucherPayment.objects.unpaid().filter(order_number=order.number).exists()
        shipped = (order.number, self.now, self.record.promised(order.number), is_unpaid)
        if connection.in_atomic_block:
            transaction.on_commit(lambda: self.record.accepted.append(shipped))
            call()
        else:
            call()
            self.record.accepted.append(shipped)

    def stands_shipped(self) -> None:
        """Note the orders that stand shipped once nothing fails any more: a sweep must see to it that they are paid."""
        for number in Order.objects.filter(status="shipped").values_list("number", flat=True):
            self.record.accepted.append((number, self.now, self.record.promised(number), False))

    @property
    def now(self) -> datetime:
        return self.cloud.clock.now()

    def _twice(self, call: Callable[[str], object], key: str) -> None:
        call(key)
        if self.random.random() < 0.7:
            call(key)
