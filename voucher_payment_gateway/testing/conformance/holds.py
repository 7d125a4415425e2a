"""Situations of reservations that end: they lapse after 30 minutes, and a newer one of any till replaces them."""

from collections.abc import Iterator
from contextlib import contextmanager

from voucher_payment_gateway import gateway
from voucher_payment_gateway.signals import payment_failed
from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.situation import situation

__all__ = ["Holds"]


class Holds(Books):
    """Lapsed holds, stolen holds, and orders that count on the same voucher."""

    @situation
    def test_the_hold_lapses_before_the_order_is_placed(self) -> None:
        """The customer looks for the address for half an hour, and the order is placed without the voucher."""
        order, voucher = self.entered("30.00", "50.00")
        self.later(minutes=31)
        gateway.settle()
        self.confirm(order)
        self.expect_due(order, "0.00")
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")

    @situation
    def test_the_hold_lapses_before_the_goods_are_sent(self) -> None:
        """The parcel leaves a day later, and the voucher that should pay for it is not held any more."""
        order, voucher = self.placed("30.00", "50.00")
        for _ in range(3):
            self.later(hours=9)
            gateway.settle()
        self.expect_due(order, "0.00")
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")
        self.expect_due(order, "0.00")

    @situation
    def test_the_hold_is_stolen_before_the_order_is_placed(self) -> None:
        """A till in the shop reserves the same voucher, and the order online is placed without it."""
        order, voucher = self.entered("30.00", "50.00")
        self.rival_reserves(voucher, "1.00")
        self.confirm(order)
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")

    @situation
    def test_the_hold_is_stolen_before_the_goods_are_sent(self) -> None:
        """A till reserves the voucher for a moment, and the parcel is charged to nobody."""
        order, voucher = self.placed("30.00", "50.00")
        self.rival_reserves(voucher, "1.00")
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")
        self.expect_due(order, "0.00")

    @situation
    def test_an_order_that_is_not_paid_any_more_is_not_sent(self) -> None:
        """The voucher was spent at a till meanwhile, and the merchant sends the goods for nothing."""
        self.only_where_shipping_charges()
        self.needs_a_person = True
        order, voucher = self.placed("30.00", "30.00")
        self.rival_spends(voucher, "30.00")
        refusal = self.attempt(self.ship, order)
        self.expect(
            refusal is not None, "the goods were sent although the voucher does not pay for them any more"
        )
        self.expect_booked(voucher)

    @situation
    def test_an_order_that_is_not_paid_any_more_is_reported(self) -> None:
        """The voucher was spent at a till meanwhile, and nobody asks the customer for the money."""
        self.only_where_shipping_charges()
        self.needs_a_person = True
        order, voucher = self.placed("30.00", "30.00")
        self.rival_spends(voucher, "30.00")
        with _payments_that_fail() as failed:
            self.attempt(self.ship, order)
        self.expect(failed == [self.number_of(order)], "the signal payment_failed was not sent")
        self.expect_due(order, "30.00")

    @situation
    def test_a_voucher_that_is_spent_before_the_order_is_placed(self) -> None:
        """The voucher was spent in another shop a minute ago, and the order counts as paid by it."""
        order, voucher = self.entered("30.00", "30.00")
        self.rival_spends(voucher, "30.00")
        refusal = self.attempt(self.confirm, order)
        self.attempt(self.ship, order)
        self.expect_booked(voucher)
        self.expect_due(order, "30.00")
        self.needs_a_person = True if refusal is None else None

    @situation
    def test_an_abandoned_checkout_lets_the_voucher_go(self) -> None:
        """A customer who leaves the checkout cannot use the voucher in the shop around the corner."""
        _, voucher = self.entered("30.00", "30.00")
        self.later(hours=25)
        gateway.settle()
        self.expect_held(voucher, "0.00")
        following = self.order("30.00")
        self.enter_voucher(following, voucher.code)
        self.confirm(following)
        self.ship(following)
        self.expect_booked(voucher, "charge 30.00")

    @situation
    def test_a_second_order_leaves_the_first_its_money(self) -> None:
        """Two orders count on the same voucher, and the one that was placed first is not paid."""
        order, voucher = self.placed("30.00", "50.00")
        second = self.order("30.00")
        self.enter_voucher(second, voucher.code)
        self.confirm(second)
        self.expect_due(second, "10.00")
        self.ship(second)
        self.ship(order)
        self.expect_charged(voucher, "50.00")
        self.expect_due(order, "0.00")

    @situation
    def test_a_second_order_with_an_empty_voucher(self) -> None:
        """A voucher pays two orders in full, since the first one is not sent yet."""
        order, voucher = self.placed("30.00", "30.00")
        second = self.order("30.00")
        refusal = self.attempt(self.enter_voucher, second, voucher.code)
        self.expect(
            refusal is not None, "the voucher was accepted although another order counts on all of it"
        )
        self.expect_due(second, "30.00")
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")


@contextmanager
def _payments_that_fail() -> Iterator[list[str]]:
    """Yield the order numbers of the payments for which ``payment_failed`` is sent."""
    numbers: list[str] = []

    def note(sender: object, order_number: str, **_: object) -> None:
        numbers.append(order_number)

    payment_failed.connect(note)
    try:
        yield numbers
    finally:
        payment_failed.disconnect(note)
