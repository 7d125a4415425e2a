"""The Oscar shop conforms: every step is a request to one of Oscar's own views, as a customer or a clerk."""

from typing import ClassVar

import pytest

from tests.hosts.oscar.customer import Checkout
from tests.hosts.oscar.shop import Shop
from tests.hosts.oscar_conformance import OscarConformance
from voucher_payment_gateway import gateway


@pytest.fixture(autouse=True)
def the_shop_is_open(transactional_db):
    """The rows that a shop has before its first order: its site, its countries, its event types."""
    Shop()


class TestTheOscarShop(OscarConformance):
    cannot: ClassVar = {
        "save": "Oscar has no order row before the order is placed, so nobody can save an earlier copy of it",
    }

    def make_order(self, total):
        return Checkout(total)

    def confirm(self, order):
        order.place()

    def confirm_declined(self, order):
        order.place(card="declined")

    def cancel(self, order):
        order.desk.set_status("Cancelled")

    def change_total(self, order, total):
        pieces = int(total / order.price)
        if order.desk.row is None:
            order.change_quantity(pieces)
        else:
            order.desk.edit(pieces, order.price)

    def due_of(self, order):
        row = order.desk.row
        return order.due() if row is None else gateway.cover(row).due
