"""A month of the shop, by a seed: vouchers sold, topped up, spent, given back and taken back, with lost answers."""

import random
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal as D

from django.utils import timezone

from tests.gateway.sales import settle_all
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherSale

__all__ = ["DAYS", "KINDS", "Month", "balances", "period"]

DAYS = 30
KINDS = {
    "multi": {"taxable": False, "batch": "spring"},
    "full": {"taxable": True, "tax_rate": D("19")},
    "reduced": {"taxable": True, "tax_rate": D("7")},
}
FAULTS = ("after:drop", "after:500", "before:503", "after:truncated")


def period():
    """Return the span of time that holds everything which tests have done so far, and nothing else."""
    now = timezone.now()
    return now - timedelta(days=60), now - timedelta(minutes=5)


def balances(shop):
    """Return what is on the vouchers that were sold and can be spent, as the Voucher Cloud has it."""
    sales = VoucherSale.objects.filter(status="active")
    return {sale.voucher_id: shop.cloud.balance(sale.voucher_id) for sale in sales}


class Month:
    """Plays it; each step may meet a fault, and ``settle`` finishes what is open."""

    def __init__(self, shop, seed, faults=0.15):
        self.shop, self.random, self.faults = shop, random.Random(seed), faults
        self.count, self.orders = 0, []

    def play(self, days=DAYS):
        for _ in range(days):
            for action in self.random.choices((self.sell, self.spend, self.give_back), (3, 5, 2), k=3):
                self._attempt(action)
            self._attempt(self.random.choice((self.top_up, self.take_back, self.credit)))
            gateway.settle()
            self.shop.later(hours=24)
        settle_all(self.shop)
        self.shop.later(hours=1)

    def sell(self):
        kind = self.random.choice(list(KINDS))
        gateway.activate(self._order("50.00", note=f"{kind}={self.random.choice((25, 50))}.00"))

    def spend(self):
        sale = self._sale()
        order = self._order(f"{self.random.randint(100, 4000) / 100:.2f}")
        self.orders.append(order)
        gateway.authorize(order, self.shop.cloud.voucher(sale.voucher_id).code)
        gateway.capture(order)

    def give_back(self):
        order = self.random.choice(self.orders)
        gateway.refund(order, gateway.cover(order).kept / 2 // D("0.01") * D("0.01"))

    def top_up(self):
        gateway.top_up(self._sale(), "7.50", key=f"bonus {self.count}")

    def take_back(self):
        gateway.take_back(self._sale())

    def credit(self):
        gateway.credit(self._order("30.00"), "12.34", key="return")

    def _sale(self):
        return self.random.choice(list(VoucherSale.objects.filter(status="active")))

    def _order(self, total, **fields):
        self.count += 1
        return self.shop.order(total, number=f"M-{self.count}", **fields)

    def _attempt(self, action):
        if self.random.random() < self.faults:
            self.shop.cloud.faults.next(self.random.choice(FAULTS), method="POST")
        with suppress(VoucherGatewayError, IndexError):
            action()
