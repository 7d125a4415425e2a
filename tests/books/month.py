"""A month of the shop, by a seed: vouchers sold, topped up, spent, given back in part, in full or in another way, and
taken back, some of which expire; of two merchants, one of them in yen; with lost answers."""

import random
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal as D

from django.utils import timezone

from tests.gateway.sales import settle_all
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherPayment, VoucherSale

__all__ = ["DAYS", "KINDS", "UNITS", "Month", "balances", "merchant_of", "period"]

DAYS = 30
KINDS = {
    "multi": {"taxable": False, "batch": "spring"},
    "full": {"taxable": True, "tax_rate": D("19")},
    "reduced": {"taxable": True, "tax_rate": D("7")},
    "short": {"taxable": False, "batch": "trial", "validity_value": 8, "validity_interval": "days"},
}
MERCHANTS = {"D": "EUR", "S": "JPY"}
"""The currency by the first letter of the order number, which names the merchant."""
UNITS = {"EUR": D("0.01"), "JPY": D(1)}
WORTH = {"EUR": 1, "JPY": 100}
FAULTS = ("after:drop", "after:500", "before:503", "after:truncated")


def merchant_of(order):
    """``ACCOUNT_OF_ORDER``."""
    return "south" if order.number[0] == "S" else ""


def period():
    """Return the span of time that holds everything which tests have done so far, and nothing else."""
    now = timezone.now()
    return now - timedelta(days=60), now - timedelta(minutes=5)


def balances(shop):
    """Return what is on the vouchers that were sold and not taken back, by currency, as the Voucher Cloud has it."""
    found = {currency: {} for currency in UNITS}
    for sale in VoucherSale.objects.filter(status="active"):
        found[sale.currency][sale.voucher_id] = shop.cloud.balance(sale.voucher_id)
    return found


class Month:
    """Plays it; each step may meet a fault, and ``settle`` finishes what is open."""

    def __init__(self, shop, seed, faults=0.15):
        self.shop, self.random, self.faults = shop, random.Random(seed), faults
        self.count, self.orders = 0, []

    def play(self, days=DAYS):
        for _ in range(days):
            actions = (self.sell, self.spend, self.give_back, self.give_all_back, self.give_back_otherwise)
            for action in self.random.choices(actions, (6, 9, 3, 1, 2), k=3):
                self._attempt(action)
            self._attempt(self.random.choice((self.top_up, self.take_back, self.credit, self.credit_again)))
            gateway.settle()
            self.shop.later(hours=24)
        settle_all(self.shop)
        self.shop.later(hours=1)

    def sell(self):
        kind, worth = self.random.choice(list(KINDS)), self.random.choice((25, 50))
        merchant = self.random.choice("DDDS")
        amount = worth * WORTH[MERCHANTS[merchant]]
        gateway.activate(self._order(merchant, amount, note=f"{kind}={amount}.00"))

    def spend(self):
        sale = self._sale()
        worth = D(self.random.randint(100, 4000)) / 100 * WORTH[sale.currency]
        order = self._order(sale.order_number[0], worth // UNITS[sale.currency] * UNITS[sale.currency])
        self.orders.append(order)
        gateway.authorize(order, self.shop.cloud.voucher(sale.voucher_id).code)
        gateway.capture(order)

    def give_back(self):
        order = self._paid_order()
        unit = UNITS[order.currency]
        gateway.refund(order, gateway.cover(order).kept / 2 // unit * unit)

    def give_all_back(self):
        gateway.refund(self._paid_order())

    def give_back_otherwise(self):
        """The voucher takes no refund; every second time no recharge either, so that a new voucher is given."""
        refused = ("*/refund", "*/vouchers/recharge")[: self.random.choice((1, 2))]
        for path in refused:
            self.shop.cloud.faults.next("before:422", method="POST", path=path, times=9)
        try:
            self.give_all_back()
        finally:
            self.shop.cloud.faults.clear()

    def top_up(self):
        gateway.top_up(self._sale(), "7.50", key=f"bonus {self.count}")

    def take_back(self):
        """Mostly a voucher of which nothing was spent."""
        sales = VoucherSale.objects.filter(status="active", currency=self.random.choice(list(UNITS)))
        unspent = sales.exclude(voucher_id__in=VoucherPayment.objects.values("voucher_id"))
        gateway.take_back(self.random.choice(list(unspent) or list(sales)))

    def credit(self):
        gateway.credit(self._order("D", 30), "12.34", key="return")

    def credit_again(self):
        sale = self._sale()
        gateway.credit(self._order(sale.order_number[0], 3000), "12.00", key="return", sale=sale)

    def _sale(self):
        return self.random.choice(list(VoucherSale.objects.filter(status="active")))

    def _paid_order(self):
        """An order of which a voucher still pays something."""
        return self.random.choice([order for order in self.orders if gateway.cover(order).kept])

    def _order(self, merchant, total, **fields):
        self.count += 1
        number = f"{merchant}-{self.count}"
        return self.shop.order(total, number=number, currency=MERCHANTS[merchant], **fields)

    def _attempt(self, action):
        if self.random.random() < self.faults:
            self.shop.cloud.faults.next(self.random.choice(FAULTS), method="POST")
        with suppress(VoucherGatewayError, IndexError):
            action()
