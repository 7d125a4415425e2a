"""Situations of the shop's own transactions: what is not committed moves no money."""

from django.db import transaction

from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.situation import situation

__all__ = ["Transactions"]


class Transactions(Books):
    """A step of the shop is rolled back, for whatever reason, or is committed late."""

    @situation
    def test_placing_is_rolled_back(self) -> None:
        """The order does not exist, the voucher is charged, and no row says for what."""
        order, voucher = self.entered("30.00", "100.00")
        with self.rolled_back():
            self.attempt(self.confirm, order)
        self.expect_booked(voucher)
        self.confirm(order)
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")

    @situation
    def test_shipping_is_rolled_back(self) -> None:
        """The stock system fails, the shipment is undone, and the customer has paid."""
        self.only_where_shipping_charges()
        order, voucher = self.placed("30.00", "100.00")
        with self.rolled_back():
            self.attempt(self.ship, order)
        self.expect_booked(voucher)
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")

    @situation
    def test_returning_is_rolled_back(self) -> None:
        """The return is undone and booked again, and the merchant gives the money back twice."""
        order, voucher = self.paid("30.00", "100.00")
        with self.rolled_back():
            self.attempt(self.return_goods, order)
        self.expect_booked(voucher, "charge 30.00")
        self.return_goods(order)
        self.expect_booked(voucher, "charge 30.00", "refund 30.00")

    @situation
    def test_cancelling_is_rolled_back(self) -> None:
        """The order is still there, and its payment is not."""
        order, voucher = self.placed("30.00", "100.00")
        with self.rolled_back():
            self.attempt(self.cancel, order)
        self.ship(order)
        self.expect_charged(voucher, "30.00")
        self.expect_due(order, "0.00")

    @situation
    def test_money_moves_after_the_commit(self) -> None:
        """The charge is sent while the shipment may still be undone."""
        self.only_where_shipping_charges()
        order, voucher = self.placed("30.00", "100.00")
        with transaction.atomic():
            refusal = self.attempt(self.ship, order)
            self.expect_booked(voucher)
        if refusal is not None:
            self.ship(order)
        self.expect_booked(voucher, "charge 30.00")
