"""Situations of steps that come twice, at once, or in an order that nobody has thought of."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.database import needs_a_shared_database
from voucher_payment_gateway.testing.conformance.situation import situation

__all__ = ["Repeats"]


class Repeats(Books):
    """A double click, an event that is delivered twice, and events that overtake each other."""

    @situation
    def test_a_double_click_on_confirm(self) -> None:
        """The customer clicks twice, and the voucher is held or charged for two orders."""
        order, voucher = self.entered("30.00", "100.00")
        self.confirm(order)
        self.attempt(self.confirm, order)
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")
        self.expect_due(order, "0.00")

    @situation
    def test_shipped_twice(self) -> None:
        """The event of the shipment is delivered twice, and the customer pays twice."""
        order, voucher = self.paid("30.00", "100.00")
        self.attempt(self.ship, order)
        self.expect_booked(voucher, "charge 30.00")

    @situation
    def test_returned_twice(self) -> None:
        """The return is booked twice, and the merchant gives back more than was paid."""
        order, voucher = self.paid("30.00", "100.00")
        self.return_goods(order)
        self.attempt(self.return_goods, order)
        self.expect_booked(voucher, "charge 30.00", "refund 30.00")

    @situation
    def test_cancelled_twice(self) -> None:
        """The order is cancelled by the customer and by a clerk, and money is given back twice."""
        order, voucher = self.placed("30.00", "100.00")
        self.cancel(order)
        self.attempt(self.cancel, order)
        self.expect_charged(voucher, "0.00")

    @situation
    def test_cancelled_after_it_was_shipped(self) -> None:
        """The order is cancelled, and the money stays with the merchant."""
        order, voucher = self.paid("30.00", "100.00")
        refusal = self.attempt(self.cancel, order)
        self.expect_charged(voucher, "30.00" if refusal else "0.00")

    @situation
    def test_shipped_after_it_was_cancelled(self) -> None:
        """A parcel that was packed already goes out, and the customer pays for an order that was cancelled."""
        order, voucher = self.placed("30.00", "100.00")
        self.cancel(order)
        self.attempt(self.ship, order)
        self.expect_charged(voucher, "0.00")

    @situation
    def test_returned_before_it_was_shipped(self) -> None:
        """A return that overtakes the shipment gives back what was never paid."""
        self.only_where_shipping_charges()
        order, voucher = self.placed("30.00", "100.00")
        self.attempt(self.return_goods, order)
        self.expect_booked(voucher)
        self.attempt(self.ship, order)
        self.expect_charged(voucher, "30.00" if self.booked(voucher) else "0.00")

    @situation
    def test_shipped_by_two_workers_at_once(self) -> None:
        """Two workers take the same job, and both charge the voucher."""
        order, voucher = self.placed("30.00", "100.00")
        self._at_once(self.ship, order)
        self.attempt(self.ship, order)
        self.expect_booked_once(voucher, "charge 30.00")

    @situation
    def test_returned_by_two_workers_at_once(self) -> None:
        """Two clerks book the same return at once, and it is given back twice."""
        order, voucher = self.paid("30.00", "100.00")
        self._at_once(self.return_goods, order)
        self.attempt(self.return_goods, order)
        self.expect_booked_once(voucher, "charge 30.00", "refund 30.00")

    @situation
    def test_confirmed_in_two_tabs_at_once(self) -> None:
        """Two tabs place the order at once, and the voucher pays for it twice."""
        order, voucher = self.entered("30.00", "100.00")
        self._at_once(self.confirm, order)
        self.attempt(self.confirm, order)
        self.ship(order)
        self.expect_booked_once(voucher, "charge 30.00")

    def expect_booked_once(self, voucher: Any, *bookings: str) -> None:
        """As ``expect_booked``, after what is open was settled."""
        self.settle()
        self.expect_booked(voucher, *bookings)

    def _at_once(self, hook: Callable[[Any], None], order: Any) -> None:
        """Let two threads do a step at the same moment; either may be refused."""
        needs_a_shared_database()
        barrier = threading.Barrier(2)

        def step(reloaded: Any) -> None:
            barrier.wait()
            try:
                self.attempt(hook, reloaded)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=step, args=(self.reload(order),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
