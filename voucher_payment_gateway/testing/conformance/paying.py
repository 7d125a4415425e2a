"""Situations of an order that goes well: what is held, what is charged, and what is left for another method."""

from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.situation import situation

__all__ = ["Paying"]


class Paying(Books):
    """One voucher, several, and a second payment method."""

    @situation
    def test_one_voucher_pays_everything(self) -> None:
        """The goods leave, and the voucher that pays for them is never charged."""
        order, voucher = self.placed("30.00", "30.00")
        self.expect_due(order, "0.00")
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")
        self.expect_due(order, "0.00")

    @situation
    def test_one_voucher_pays_a_part(self) -> None:
        """The customer pays the whole price by card although a voucher has paid a part of it."""
        order, voucher = self.placed("50.00", "20.00")
        self.expect_due(order, "30.00")
        self.ship(order)
        self.expect_booked(voucher, "charge 20.00")
        self.expect_due(order, "30.00")

    @situation
    def test_what_a_voucher_is_worth_more_stays_on_it(self) -> None:
        """The customer loses what the voucher was worth more than the order cost."""
        order, voucher = self.paid("30.00", "100.00")
        self.expect_booked(voucher, "charge 30.00")
        self.expect_due(order, "0.00")
        self.expect_balance(voucher, "70.00")

    @situation
    def test_several_vouchers_pay_together(self) -> None:
        """Only one of the customer's vouchers counts, or one of them is charged for all."""
        order, first, second, third = self.placed("50.00", "20.00", "20.00", "20.00")
        self.expect_due(order, "0.00")
        self.ship(order)
        self.expect_booked(first, "charge 20.00")
        self.expect_booked(second, "charge 20.00")
        self.expect_booked(third, "charge 10.00")

    @situation
    def test_the_second_method_is_asked_for_the_rest(self) -> None:
        """The customer pays twice what the voucher covers, or the merchant gets less than the order costs."""
        order, voucher = self.placed("50.00", "20.00")
        self.expect_amount("the other method was asked for", self.paid_otherwise(order), "30.00")
        self.ship(order)
        self.expect_booked(voucher, "charge 20.00")
        self.expect_amount("the other method was asked for", self.paid_otherwise(order), "30.00")

    @situation
    def test_the_second_method_declines_and_the_customer_tries_again(self) -> None:
        """The voucher pays for the attempt that failed, and once more for the one that did not."""
        order, voucher = self.entered("50.00", "20.00")
        refusal = self.attempt(self.confirm_declined, order)
        self.expect(refusal is not None, "the order was placed although the other method had declined")
        self.expect_charged(voucher, "0.00")
        self.confirm(order)
        self.ship(order)
        self.expect_charged(voucher, "20.00")
        self.expect_due(order, "30.00")

    @situation
    def test_a_declined_order_leaves_the_voucher_to_the_next_one(self) -> None:
        """The customer gives up after the card has declined, and the voucher is blocked or empty in the next order."""
        order, voucher = self.entered("50.00", "20.00")
        self.attempt(self.confirm_declined, order)
        following = self.order("20.00")
        self.enter_voucher(following, voucher.code)
        self.confirm(following)
        self.ship(following)
        self.expect_charged(voucher, "20.00")
        self.expect_due(following, "0.00")

    @situation
    def test_an_order_without_vouchers_is_left_alone(self) -> None:
        """An outage of the Voucher Cloud stops the orders of customers who have no voucher at all."""
        self.cloud.faults.next("before:503", times=None)
        order = self.order("50.00")
        self.confirm(order)
        self.ship(order)
        self.expect_due(order, "50.00")
        self.expect(not self.cloud.requests, "the Voucher Cloud was called for an order without vouchers")

    @situation
    def test_nothing_is_charged_before_the_goods_are_sent(self) -> None:
        """The customer has paid for goods that the merchant finds to be sold out."""
        self.only_where_shipping_charges()
        _, voucher = self.placed("30.00", "50.00")
        self.expect_booked(voucher)
        self.expect_held(voucher, "30.00")

    @situation
    def test_a_cent_is_paid_exactly(self) -> None:
        """Amounts that a binary fraction cannot say are charged a cent too high or too low."""
        order, first, second = self.paid("30.30", "10.10", "20.20")
        self.expect_due(order, "0.00")
        self.expect_booked(first, "charge 10.10")
        self.expect_booked(second, "charge 20.20")

    @situation
    def test_a_voucher_that_is_entered_twice_counts_once(self) -> None:
        """A voucher of 20.00 that is entered in two tabs pays 40.00, and the merchant lacks the rest."""
        order, voucher = self.entered("50.00", "20.00")
        self.attempt(self.enter_voucher, order, voucher.code)
        self.confirm(order)
        self.expect_due(order, "30.00")
        self.ship(order)
        self.expect_booked(voucher, "charge 20.00")

    @situation
    def test_a_voucher_that_is_removed_is_not_charged(self) -> None:
        """The customer keeps a voucher for later, and it is charged all the same."""
        order, voucher, other = self.entered("50.00", "20.00", "10.00")
        self.remove_voucher(order, voucher.code)
        self.expect_due(order, "40.00")
        self.confirm(order)
        self.ship(order)
        self.expect_booked(voucher)
        self.expect_booked(other, "charge 10.00")

    @situation
    def test_what_is_left_on_a_voucher_pays_the_next_order(self) -> None:
        """The rest of a voucher is lost to the customer, or counted twice to the merchant."""
        _, voucher = self.paid("30.00", "50.00")
        following = self.order("30.00")
        self.enter_voucher(following, voucher.code)
        self.confirm(following)
        self.expect_due(following, "10.00")
        self.ship(following)
        self.expect_booked(voucher, "charge 30.00", "charge 20.00")

    @situation
    def test_parcels_of_one_order_are_charged_in_parts(self) -> None:
        """Each parcel charges the voucher for the whole order."""
        order, voucher = self.placed("30.00", "50.00")
        self.ship_part(order, self.money("10.00"))
        self.expect_charged(voucher, "10.00")
        self.ship_part(order, self.money("20.00"))
        self.expect_charged(voucher, "30.00")
