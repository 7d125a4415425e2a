"""Situations of goods that come back, and of orders that are cancelled: what goes back, and never more."""

from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.situation import situation

__all__ = ["Returns"]


class Returns(Books):
    """Whole returns, partial ones, and cancelled orders."""

    @situation
    def test_a_return_gives_everything_back(self) -> None:
        """The goods are back, and the voucher of the customer is still empty."""
        order, voucher = self.paid("30.00", "30.00")
        self.return_goods(order)
        self.expect_booked(voucher, "charge 30.00", "refund 30.00")
        self.expect_balance(voucher, "30.00")

    @situation
    def test_a_return_gives_back_to_every_voucher(self) -> None:
        """One voucher gets what was paid with two, or one of them gets nothing."""
        order, first, second = self.paid("50.00", "20.00", "30.00")
        self.return_goods(order)
        self.expect_balance(first, "20.00")
        self.expect_balance(second, "30.00")

    @situation
    def test_a_return_gives_back_what_the_voucher_paid(self) -> None:
        """What was paid by card goes back to the voucher too, and the merchant pays it twice."""
        order, voucher = self.paid("50.00", "20.00")
        self.return_goods(order)
        self.expect_booked(voucher, "charge 20.00", "refund 20.00")

    @situation
    def test_parts_come_back_one_after_the_other(self) -> None:
        """The second parcel that comes back counts as the first, and the customer gets nothing for it."""
        order, voucher = self.paid("30.00", "100.00")
        self.return_part(order, self.money("10.00"))
        self.expect_charged(voucher, "20.00")
        self.return_part(order, self.money("10.00"))
        self.expect_charged(voucher, "10.00")
        self.return_part(order, self.money("10.00"))
        self.expect_charged(voucher, "0.00")

    @situation
    def test_a_part_comes_back_and_then_the_rest(self) -> None:
        """After a partial return the rest is given back in full, and the merchant gives back more than was paid."""
        order, voucher = self.paid("30.00", "100.00")
        self.return_part(order, self.money("10.00"))
        self.attempt(self.return_goods, order)
        charged = self.charged(voucher)
        self.expect(
            charged in (self.money("0.00"), self.money("20.00")), f"{charged} is charged after the return"
        )

    @situation
    def test_no_more_comes_back_than_was_paid(self) -> None:
        """A typing error in the form for returns gives the customer money that was never paid."""
        order, voucher = self.paid("30.00", "100.00")
        self.attempt(self.return_part, order, self.money("30.01"))
        self.settle()
        self.expect(self.charged(voucher) >= 0, "more came back than was paid")
        self.expect(
            self.cloud.balance(voucher.id) <= voucher.amount,
            "the voucher is worth more than when it was sold",
        )

    @situation
    def test_cancelled_before_it_was_sent(self) -> None:
        """The order is cancelled, and the voucher stays blocked, or is charged later."""
        order, voucher = self.placed("30.00", "100.00")
        self.cancel(order)
        self.settle()
        self.later(minutes=36)
        self.settle()
        self.expect_held(voucher, "0.00")
        self.expect_charged(voucher, "0.00")
        self.expect_due(order, "30.00")

    @situation
    def test_a_cancelled_order_leaves_the_voucher_to_the_next_one(self) -> None:
        """The customer cancels to order again with another size, and the voucher is still taken."""
        order, voucher = self.placed("30.00", "30.00")
        self.cancel(order)
        following = self.order("30.00")
        self.enter_voucher(following, voucher.code)
        self.confirm(following)
        self.expect_due(following, "0.00")
        self.ship(following)
        self.expect_charged(voucher, "30.00")

    @situation
    def test_cancelled_after_a_part_came_back(self) -> None:
        """What came back already is given back again with the rest."""
        order, voucher = self.paid("30.00", "100.00")
        self.return_part(order, self.money("10.00"))
        refusal = self.attempt(self.cancel, order)
        self.expect_charged(voucher, "20.00" if refusal else "0.00")

    @situation
    def test_a_voucher_that_cannot_take_the_money_back(self) -> None:
        """The voucher was blocked meanwhile, the refund is refused, and nobody learns that the customer got nothing."""
        order, voucher = self.paid("30.00", "100.00")
        self.cloud.set_status(voucher.id, "inactive")
        self.attempt(self.return_goods, order)
        self.settle()
        self.needs_a_person = self.charged(voucher) > 0
