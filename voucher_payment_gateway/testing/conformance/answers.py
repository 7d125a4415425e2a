"""Situations of answers that are lost, damaged or missing: no answer is not a "no"."""

from typing import Any

from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.situation import situation

__all__ = ["CHARGE", "REFUND", "RESERVE", "Answers"]

CHARGE, REFUND, RESERVE = "*/charge", "*/refund", "*/reservations"


class Answers(Books):
    """Faults of the Voucher Cloud, and of the network in between."""

    def _charged_under(self, fault: str) -> Any:
        """Ship an order whose charge meets a fault, settle, and return it with its voucher."""
        order, voucher = self.entered("30.00", "100.00")
        self.cloud.faults.next(fault, method="POST", path=CHARGE)
        self.attempt(self.confirm, order)
        self.attempt(self.ship, order)
        self._expect_fault()
        return order, voucher

    def _expect_fault(self) -> None:
        self.expect(bool(self.cloud.faults.log), "the shop never made the call that the situation is about")

    def _expect_paid_once(self, order: Any, voucher: Any) -> None:
        self.settle()
        self.attempt(self.ship, order)
        self.settle()
        self.expect_booked(voucher, "charge 30.00")
        self.expect_due(order, "0.00")

    @situation
    def test_the_answer_to_a_charge_is_lost(self) -> None:
        """The charge was booked and is made again, and the customer pays twice."""
        self._expect_paid_once(*self._charged_under("after:drop"))

    @situation
    def test_a_charge_fails_before_it_is_booked(self) -> None:
        """The shop believes that an error of the server is a booking, and the goods leave for nothing."""
        self._expect_paid_once(*self._charged_under("before:500"))

    @situation
    def test_a_charge_arrives_late(self) -> None:
        """A proxy holds the charge back, the shop charges again, and then both arrive."""
        order, voucher = self._charged_under("late:drop")
        self.later(minutes=1)
        self.cloud.faults.land_late()
        self._expect_paid_once(order, voucher)

    @situation
    def test_shipped_again_while_the_charge_is_not_known(self) -> None:
        """A clerk presses the button again because nothing seems to happen, and the customer pays twice."""
        order, voucher = self._charged_under("after:drop")
        for _ in range(3):
            self.attempt(self.ship, order)
        self._expect_paid_once(order, voucher)

    @situation
    def test_cancelled_while_the_charge_is_not_known(self) -> None:
        """The order is cancelled while its charge is on the way, and the money is never given back."""
        order, voucher = self.entered("30.00", "100.00")
        self.attempt(self.confirm, order)
        self.cloud.faults.next("after:drop", method="POST", path=CHARGE)
        self.attempt(self.ship, order)
        refusal = self.attempt(self.cancel, order)
        self.settle()
        if refusal is not None:
            self.attempt(self.cancel, order)
            self.settle()
        is_cancelled = not self.payments(order).exclude(status__in=("cancelled", "refunded")).exists()
        self.expect_charged(voucher, "0.00" if is_cancelled else "30.00")
        self.expect(is_cancelled or refusal is not None, "the order was cancelled, and its payment was not")

    def _returned_under(self, fault: str) -> None:
        """Return an order whose refund meets a fault, and settle."""
        order, voucher = self.paid("30.00", "100.00")
        self.cloud.faults.next(fault, method="POST", path=REFUND)
        self.attempt(self.return_goods, order)
        self._expect_fault()
        self.settle()
        self.attempt(self.return_goods, order)
        self.settle()
        self.expect_booked(voucher, "charge 30.00", "refund 30.00")

    @situation
    def test_the_answer_to_a_refund_is_lost(self) -> None:
        """The refund was booked and is made again, and the merchant gives the money back twice."""
        self._returned_under("after:drop")

    @situation
    def test_a_refund_fails_before_it_is_booked(self) -> None:
        """The customer is told that the money is back on the voucher, and it is not."""
        self._returned_under("before:500")

    @situation
    def test_the_answer_to_a_reservation_is_lost(self) -> None:
        """The voucher is held, the customer is told that it cannot be used, and cannot use it for half an hour."""
        order, voucher = self.order("30.00"), self.voucher("30.00")
        self.cloud.faults.next("after:drop", method="POST", path=RESERVE)
        self.attempt(self.enter_voucher, order, voucher.code)
        self.attempt(self.enter_voucher, order, voucher.code)
        self.expect_due(order, "0.00")
        self.confirm(order)
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")

    @situation
    def test_an_outage_when_the_code_is_entered(self) -> None:
        """Nobody can buy anything while the Voucher Cloud is down, or a voucher counts that was never held."""
        order, voucher = self.order("30.00"), self.voucher("20.00")
        self.cloud.faults.next("before:503", times=None)
        self.attempt(self.enter_voucher, order, voucher.code)
        self.expect_due(order, "30.00")
        self.cloud.faults.clear()
        self.enter_voucher(order, voucher.code)
        self.expect_due(order, "10.00")
        self.confirm(order)
        self.ship(order)
        self.expect_booked(voucher, "charge 20.00")

    @situation
    def test_an_outage_when_the_order_is_placed(self) -> None:
        """The order is placed in an outage, and the voucher that the customer saw on the page never pays for it."""
        order, voucher = self.entered("30.00", "100.00")
        self.rival_reserves(voucher, "1.00")
        self.cloud.faults.next("before:503", times=None)
        self.attempt(self.confirm, order)
        self.cloud.faults.clear()
        self.settle()
        self.attempt(self.confirm, order)
        self.attempt(self.ship, order)
        self._expect_paid_once(order, voucher)

    @situation
    def test_an_outage_when_the_goods_are_sent(self) -> None:
        """The parcel leaves in an outage, and nobody charges the voucher afterwards."""
        self.only_where_shipping_charges()
        order, voucher = self.placed("30.00", "100.00")
        self.cloud.faults.next("before:503", times=None)
        refusal = self.attempt(self.ship, order)
        self.cloud.faults.clear()
        self.settle()
        if refusal is not None:
            self.ship(order)
        self.settle()
        self.expect_booked(voucher, "charge 30.00")

    @situation
    def test_an_outage_when_the_goods_come_back(self) -> None:
        """The return is booked in an outage, and the customer never gets the money."""
        order, voucher = self.paid("30.00", "100.00")
        self.cloud.faults.next("before:503", times=None)
        refusal = self.attempt(self.return_goods, order)
        self.cloud.faults.clear()
        self.settle()
        if refusal is not None:
            self.attempt(self.return_goods, order)
            self.settle()
        self.expect_booked(voucher, "charge 30.00", "refund 30.00")
