"""A guest with one basket, from the first page to "place order": each step is a request to one of Oscar's own views."""

import copy
from decimal import Decimal

from django.test import Client
from oscar.core.loading import get_class, get_model

from tests.hosts.oscar.shop import Shop, Visitor
from tests.hosts.oscar_desk import Desk, RefusedError

__all__ = ["Checkout"]

PIECE = Decimal("10.00")
JSON = {"accept": "application/json"}
FORMSET = {"TOTAL_FORMS": 1, "INITIAL_FORMS": 1, "MIN_NUM_FORMS": 0, "MAX_NUM_FORMS": 1000}


class Checkout:
    """Goods of ``total`` are in the basket: pieces of 10.00 where that is possible, so that a clerk can send some of
    them; otherwise one piece. ``desk`` is the clerk who has to do with the order afterwards."""

    def __init__(self, total):
        self.price = PIECE if total % PIECE == 0 else total
        product = Shop().product(self.price, stock=5000)
        self.visitor = Visitor().buy(product, quantity=int(total / self.price)).to_preview()
        self.basket = get_model("basket", "Basket").objects.latest("pk")
        self.number = str(get_class("order.utils", "OrderNumberGenerator")().order_number(self.basket))
        self.desk = Desk(self.number)

    def in_another_tab(self):
        other = copy.copy(self)
        other.visitor = copy.copy(self.visitor)
        other.visitor.client = Client()
        other.visitor.client.cookies = copy.copy(self.visitor.client.cookies)
        return other

    def enter(self, code, pin=""):
        self._post("apply", code=code, pin=pin)

    def hints(self):
        """Return the last characters of the codes that the checkout shows and lets the customer remove."""
        shown = self.visitor.state()["order"]["vouchers"]
        return [each["hint"] for each in shown if each["removable"]]

    def remove(self, code):
        shown = self.visitor.state()["order"]["vouchers"]
        (own,) = [each["payment"] for each in shown if each["hint"] == code[-4:]]
        self._post("remove", payment=own)

    def _post(self, page, **fields):
        answer = self.visitor.client.post(f"/gift-vouchers/{page}/", fields, headers=JSON)
        if answer.status_code != 200:
            raise RefusedError(answer.json()["error"])

    def place(self, card="tok_1"):
        """Look at the preview, and press "place order" with what it shows."""
        shown = self.visitor.client.get("/checkout/preview/")
        due = shown.context["voucher_due"] if shown.context and "voucher_due" in shown.context else None
        answer = self.visitor.place(card=card, **({} if due is None else {"gift_voucher_due": str(due)}))
        if answer.status_code != 302 or not answer["Location"].startswith("/checkout/thank-you/"):
            raise RefusedError(answer.get("Location", answer.content))

    def change_quantity(self, pieces):
        """Change how many pieces are in the basket, on the basket's page."""
        form = {**FORMSET, "0-id": self.basket.lines.get().pk, "0-quantity": pieces}
        answer = self.visitor.client.post("/basket/", {f"form-{name}": value for name, value in form.items()})
        if answer.status_code != 302:
            raise RefusedError(answer.content)

    def due(self):
        """Return what the page of the checkout asks for."""
        return Decimal(self.visitor.state()["order"]["due"])
