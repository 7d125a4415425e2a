"""The headless shop conforms: every step is a request to the host's API, to the bank, or to Oscar's dashboard."""

from typing import ClassVar

import pytest

from tests.hosts.oscar_api_checkout.customer import Checkout
from tests.hosts.oscar_api_checkout.shop import Shop
from voucher_payment_gateway import gateway
from voucher_payment_gateway.testing import VoucherConformance


@pytest.fixture(autouse=True)
def the_shop_is_open(transactional_db):
    """The rows that a shop has before its first order: its site, its countries, its event types."""
    Shop(None)


class TestTheHeadlessShop(VoucherConformance):
    cannot: ClassVar = {
        "save": "the host has no order row before a voucher is entered, so nobody can save an earlier copy of it",
    }

    def make_order(self, total):
        return Checkout(total)

    def enter_voucher(self, order, code, pin=""):
        order.enter(code, pin)

    def remove_voucher(self, order, code):
        order.remove(code)

    def confirm(self, order):
        order.confirm()

    def confirm_declined(self, order):
        order.confirm(refused="1")

    def ship(self, order):
        order.desk.ship()

    def ship_part(self, order, amount):
        order.desk.ship(int(amount / order.price))

    def return_goods(self, order):
        order.desk.give_back(order.desk.paid_by_vouchers())

    def return_part(self, order, amount):
        order.desk.give_back_later(amount)

    def cancel(self, order):
        order.desk.set_status("Canceled")

    def change_total(self, order, total):
        pieces = int(total / order.price)
        if order.status() == "Authorized":
            order.desk.edit(pieces, order.price)
        else:
            order.come_back()
            order.change_quantity(pieces)

    def delete(self, order):
        order.desk.delete()

    def reload(self, order):
        return order.in_another_tab()

    def number_of(self, order):
        return order.number

    def due_of(self, order):
        row = order.desk.row
        return order.total() if row is None else gateway.cover(row).due

    def paid_otherwise(self, order):
        return order.desk.paid_otherwise()

    def voucher_fields(self, order):
        return order.desk.stored()
