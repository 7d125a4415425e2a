"""The example shop conforms: every step is a request to one of its pages, as a customer or a member of the staff."""

import copy
import secrets
from typing import ClassVar

from django.contrib.auth.models import User
from django.contrib.messages import ERROR, get_messages
from django.test import Client
from shop.models import CardPayment, Order, Product

from tests import quick_flush
from voucher_payment_gateway.testing import VoucherConformance

quick_flush.install()
PLACED = "the shop has no page that changes an order after it was placed"


class RefusedError(Exception):
    """The shop has answered that it does not do this."""


class Checkout:
    """A visitor with one tea in the basket, whose checkout has started. ``row`` is the order as it was read last."""

    def __init__(self, price):
        self.client = Client()
        self.tea = Product.objects.create(slug=secrets.token_hex(4), name="Tea", price=price, motif="leaf")
        self.client.post(f"/basket/add/{self.tea.slug}/")
        self.client.post("/checkout/start/")
        self.row = Order.objects.get(pk=self.client.session["draft"])
        self.seen = ""

    def reloaded(self):
        """Return the same visitor in another tab, with the order as it is stored now."""
        other = copy.copy(self)
        other.client = Client()
        other.client.cookies = copy.copy(self.client.cookies)
        other.row = Order.objects.get(pk=self.row.pk)
        return other

    def enter(self, code, pin):
        answer = self.client.post(
            "/vouchers/apply/", {"code": code, "pin": pin}, headers={"accept": "application/json"}
        )
        if answer.status_code != 200:
            raise RefusedError(answer.content)

    def confirm(self, card):
        shown = self.client.get("/checkout/")
        self.seen = shown.context["seen"] if shown.context else self.seen
        filled_in = {"customer_name": "Ada", "pay_rest": "card", "card": card, "seen": self.seen}
        expect_done(self.client.post("/checkout/confirm/", filled_in))
        self.expect("confirmed", "shipped")

    def press(self, button, **filled_in):
        staff, _ = User.objects.get_or_create(username="bo", is_staff=True)
        desk = Client()
        desk.force_login(staff)
        expect_done(desk.post(f"/staff/orders/{self.row.number}/{button}/", filled_in))

    def expect(self, *statuses):
        status = Order.objects.get(pk=self.row.pk).status
        if status not in statuses:
            raise RefusedError(f"the order is {status}")


def expect_done(answer):
    errors = [str(each) for each in get_messages(answer.wsgi_request) if each.level == ERROR]
    if errors or answer.status_code not in (200, 302):
        raise RefusedError(errors or answer.status_code)


class TestTheExampleShop(VoucherConformance):
    cannot: ClassVar = {
        "ship_part": "an order leaves in one parcel",
        "the_total_is_raised_after_the_order_was_placed": PLACED,
        "the_total_is_lowered_after_the_order_was_placed": PLACED,
    }

    def make_order(self, total):
        return Checkout(total)

    def enter_voucher(self, order, code, pin=""):
        order.enter(code, pin)

    def confirm(self, order):
        order.confirm("works")

    def confirm_declined(self, order):
        order.confirm("declined")

    def ship(self, order):
        order.press("ship")
        order.expect("shipped")

    def return_goods(self, order):
        self.return_part(order, "")
        order.expect("returned")

    def return_part(self, order, amount):
        order.press("return", amount=amount, seen=Order.objects.get(pk=order.row.pk).returns)
        order.expect("shipped", "returned")

    def cancel(self, order):
        order.press("cancel")
        order.expect("cancelled")

    def change_total(self, order, total):
        order.expect("draft")
        Product.objects.filter(pk=order.tea.pk).update(price=total)
        order.client.post(f"/basket/change/{order.tea.slug}/", {"quantity": 1})

    def delete(self, order):
        Order.objects.get(pk=order.row.pk).delete()

    def save(self, order):
        order.row.save()

    def reload(self, order):
        return order.reloaded()

    def number_of(self, order):
        return order.row.number

    def due_of(self, order):
        return Order.objects.get(pk=order.row.pk).voucher_due

    def paid_otherwise(self, order):
        return CardPayment.objects.get(order=order.row, status__in=("authorised", "captured")).amount

    def voucher_fields(self, order):
        return Order.objects.filter(pk=order.row.pk).values().get()
