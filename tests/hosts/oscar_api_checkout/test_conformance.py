"""The headless shop conforms: every step is a request to the host's API, to the bank, or to Oscar's dashboard."""

from typing import ClassVar

import pytest

from tests.hosts.oscar_api_checkout.customer import Checkout
from tests.hosts.oscar_api_checkout.shop import Shop
from tests.hosts.oscar_conformance import OscarConformance
from voucher_payment_gateway import gateway


@pytest.fixture(autouse=True)
def the_shop_is_open(transactional_db):
    """The rows that a shop has before its first order: its site, its countries, its event types."""
    Shop(None)


class TestTheHeadlessShop(OscarConformance):
    cannot: ClassVar = {
        "save": "the host has no order row before a voucher is entered, so nobody can save an earlier copy of it",
    }

    def make_order(self, total):
        return Checkout(total)

    def confirm(self, order):
        order.confirm()

    def confirm_declined(self, order):
        order.confirm(refused="1")

    def cancel(self, order):
        order.desk.set_status("Canceled")

    def change_total(self, order, total):
        pieces = int(total / order.price)
        if order.status() == "Authorized":
            order.desk.edit(pieces, order.price)
        else:
            order.come_back()
            order.change_quantity(pieces)

    def due_of(self, order):
        row = order.desk.row
        return order.total() if row is None else gateway.cover(row).due
