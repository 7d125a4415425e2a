"""A storefront with one basket: it posts what the customer entered to the host's REST API, with the card for what gift
vouchers leave, and the customer confirms at the bank.

The host has no address to enter or remove a voucher. So each of these steps is another attempt to check out: the
customer comes back from the bank, which declines, and the storefront posts the basket with the vouchers of now.
"""

import copy
from decimal import Decimal
from itertools import count

from oscar.core.loading import get_class, get_model

from tests.hosts.oscar_api_checkout.shop import Buyer, Shop, card, voucher
from tests.hosts.oscar_desk import Desk, RefusedError

__all__ = ["Checkout"]

PIECE = Decimal("10.00")
OPEN = ("Pending", "Payment Declined")


class Checkout:
    """Goods of ``total`` are in the basket: pieces of 10.00 where that is possible, so that a clerk can send some of
    them; otherwise one piece. ``desk`` is the clerk who has to do with the order afterwards."""

    def __init__(self, total):
        self.price = PIECE if total % PIECE == 0 else total
        self.product = Shop(None).product(self.price)
        self.buyer, self.keys = Buyer(), count(1)
        self.fill_basket(int(total / self.price))

    def fill_basket(self, pieces):
        self.buyer.buy(self.product)
        self.basket = get_model("basket", "Basket").objects.get(pk=self.buyer.basket)
        self.number = str(get_class("order.utils", "OrderNumberGenerator")().order_number(self.basket))
        self.desk, self.entries = Desk(self.number), {}
        self.change_quantity(pieces)

    def in_another_tab(self):
        other = copy.copy(self)
        other.buyer = copy.copy(self.buyer)
        other.buyer.client = type(self.buyer.client)(raise_request_exception=False)
        other.buyer.client.cookies = copy.copy(self.buyer.client.cookies)
        return other

    def enter(self, code, pin=""):
        self.come_back()
        key = f"voucher-{next(self.keys)}"
        entries = {**self.entries, key: {"code": code, "pin": pin}}
        try:
            self.attempt(entries)
        except RefusedError:
            self.attempt(self.entries)
            raise
        self.entries = entries

    def remove(self, code):
        self.come_back()
        self.entries = {key: entry for key, entry in self.entries.items() if entry["code"] != code}
        self.attempt(self.entries)

    def come_back(self):
        """Leave the bank's page: the order may be paid in another way now. After a request that was killed the host has
        frozen the basket and forgotten the order: the customer fills another one."""
        if self.status() != "Pending":
            return
        if "checkout_order_id" in self.buyer.client.session:
            self.buyer.bank(self.desk.row, self.asked_of_the_bank(), refused="1")
        else:
            self.fill_basket(self.basket.lines.get().quantity)

    def attempt(self, entries):
        """Post the basket with these vouchers, each for what it holds already or else for what is left."""
        left, payment = self.total(), {}
        for key, entry in entries.items():
            amount = min(entry.get("held", left), left)
            if amount:
                payment[key] = voucher(entry["code"], str(amount), pin=entry["pin"])
            left -= amount
        if entries and len(payment) < len(entries):
            raise RefusedError("nothing is left to pay")
        answer = self.buyer.checkout(**payment, card=card())
        if answer.status_code != 200:
            raise RefusedError(answer.content)
        _, states = self.buyer.states()
        for key, entry in entries.items():
            status, amount = states[key]
            if status == "Declined":
                raise RefusedError(self.buyer.message(key))
            entry["held"] = Decimal(amount)

    def confirm(self, **bank):
        """Let the bank answer; post the basket before where no attempt is open."""
        if self.status() not in OPEN:
            raise RefusedError(f"the order is {self.status()}" if self.desk.row else "")
        if self.status() == "Payment Declined":
            self.attempt(self.entries)
        self.buyer.bank(self.desk.row, self.asked_of_the_bank(), **bank)
        if self.status() != "Authorized":
            raise RefusedError(f"the order is {self.status()}")

    def status(self):
        row = self.desk.row
        return "Payment Declined" if row is None else row.status

    def asked_of_the_bank(self):
        return Decimal(self.buyer.states()[1]["card"][1])

    def change_quantity(self, pieces):
        """Change how many pieces are in the basket, by the host's API."""
        line = self.basket.lines.get()
        address = f"baskets/{self.basket.pk}/lines/{line.pk}/"
        answer = self.buyer.client.patch(
            f"/api/{address}", {"quantity": pieces}, content_type="application/json"
        )
        if answer.status_code != 200:
            raise RefusedError(answer.content)

    def total(self):
        return self.price * self.basket.lines.get().quantity
