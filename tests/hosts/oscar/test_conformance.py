"""The Oscar shop conforms: every step is a request to one of Oscar's own views, as a customer or a clerk."""

from typing import ClassVar

import pytest

from tests.hosts.oscar.customer import Checkout
from tests.hosts.oscar.shop import Shop
from voucher_payment_gateway import gateway
from voucher_payment_gateway.testing import VoucherConformance


@pytest.fixture(autouse=True)
def the_shop_is_open(transactional_db):
    """The rows that a shop has before its first order: its site, its countries, its event types."""
    Shop()


class TestTheOscarShop(VoucherConformance):
    cannot: ClassVar = {
        "save": "Oscar has no order row before the order is placed, so nobody can save an earlier copy of it",
    }

    def make_order(self, total):
        return Checkout(total)

    def enter_voucher(self, order, code, pin=""):
        order.enter(code, pin)

    def remove_voucher(self, order, code):
        order.remove(code)

    def confirm(self, order):
        order.place()

    def confirm_declined(self, order):
        order.place(card="declined")

    def ship(self, order):
        order.desk.ship()

    def ship_part(self, order, amount):
        order.desk.ship(int(amount / order.price))

    def return_goods(self, order):
        order.desk.give_back(order.desk.paid_by_vouchers())

    def return_part(self, order, amount):
        order.desk.give_back_later(amount)

    def cancel(self, order):
        order.desk.set_status("Cancelled")

    def change_total(self, order, total):
        pieces = int(total / order.price)
        if order.desk.row is None:
            order.change_quantity(pieces)
        else:
            order.desk.edit(pieces, order.price)

    def delete(self, order):
        order.desk.delete()

    def reload(self, order):
        return order.in_another_tab()

    def number_of(self, order):
        return order.number

    def due_of(self, order):
        row = order.desk.row
        return order.due() if row is None else gateway.cover(row).due

    def paid_otherwise(self, order):
        return order.desk.paid_otherwise()

    def voucher_fields(self, order):
        return order.desk.stored()
