"""Situations of orders that change after a voucher pays for them: another total, deleted, saved by another request."""

from collections.abc import Iterable
from typing import Any

from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.situation import situation

__all__ = ["Changes"]

COLUMN = "voucher_reservation_ids"


class Changes(Books):
    """The total, the row itself, and the reservation ids that stand in it."""

    @situation
    def test_the_total_is_raised_before_the_order_is_placed(self) -> None:
        """The customer adds an article in another tab, and it is neither charged to the voucher nor due."""
        order, voucher = self.entered("30.00", "100.00")
        self.change_total(order, self.money("40.00"))
        self.confirm(order)
        self._expect_shipped_for(order, voucher, "40.00")

    @situation
    def test_the_total_is_lowered_before_the_order_is_placed(self) -> None:
        """The customer takes an article out of the basket, and the voucher pays for it."""
        order, voucher = self.entered("30.00", "100.00")
        self.change_total(order, self.money("20.00"))
        self.confirm(order)
        self.expect_due(order, "0.00")
        self.ship(order)
        self.expect_charged(voucher, "20.00")

    @situation
    def test_the_total_is_raised_after_the_order_was_placed(self) -> None:
        """A clerk adds an article to the order, and nobody pays for it."""
        order, voucher = self.placed("30.00", "100.00")
        self.change_total(order, self.money("40.00"))
        self._expect_shipped_for(order, voucher, "40.00")

    @situation
    def test_the_total_is_lowered_after_the_order_was_placed(self) -> None:
        """An article is sold out, a clerk takes it out of the order, and the customer pays for it."""
        self.only_where_shipping_charges()
        order, voucher = self.placed("30.00", "100.00")
        self.change_total(order, self.money("20.00"))
        self.ship(order)
        self.expect_charged(voucher, "20.00")
        self.expect_due(order, "0.00")

    def _expect_shipped_for(self, order: Any, voucher: Any, total: str) -> None:
        """Ship, and fail unless the voucher and what is due are the total together."""
        self.ship(order)
        together = self.charged(voucher) + self.due_of(order)
        self.expect_amount("charged and due together are", together, total)

    @situation
    def test_deleted_while_a_voucher_is_held(self) -> None:
        """The order is deleted, and the voucher stays blocked or is charged for nothing."""
        order, voucher = self.placed("30.00", "100.00")
        if self._deleted(order):
            self.later(minutes=36)
            self.settle()
            self.expect_held(voucher, "0.00")
            self.expect_charged(voucher, "0.00")
        else:
            self.ship(order)
            self.expect_charged(voucher, "30.00")

    @situation
    def test_deleted_after_it_was_paid(self) -> None:
        """The order is deleted, and the merchant keeps money of which nobody knows what it was for."""
        order, voucher = self.paid("30.00", "100.00")
        self.expect_charged(voucher, "0.00" if self._deleted(order) else "30.00")

    def _deleted(self, order: Any) -> bool:
        """Delete the order; return whether the shop did."""
        return self.attempt(self.delete, order) is None

    @situation
    def test_the_reservation_ids_stand_on_the_order(self) -> None:
        """A clerk who looks at the order cannot tell which reservation of the Voucher Cloud is its own."""
        order, *_ = self.placed("50.00", "20.00", "20.00")
        self._expect_ids(order)

    @situation
    def test_the_reservation_ids_follow_a_new_reservation(self) -> None:
        """The order names a reservation that has ended, and nobody finds the one that was charged."""
        order, voucher = self.placed("30.00", "50.00")
        self.rival_reserves(voucher, "1.00")
        self.ship(order)
        self._expect_ids(order)

    @situation
    def test_an_order_that_is_saved_late_keeps_its_reservation_ids(self) -> None:
        """A page that was opened earlier saves the order, and its reservation ids are gone."""
        order = self.order("50.00")
        stale = self.reload(order)
        for voucher in (self.voucher("20.00"), self.voucher("20.00")):
            self.enter_voucher(order, voucher.code)
        self.save(stale)
        self._expect_ids(order)
        self.confirm(order)
        self.expect_due(order, "10.00")
        self.ship(order)
        self._expect_ids(order)

    def _expect_ids(self, order: Any) -> None:
        """Fail unless the order names the reservation of each of its payments, the oldest first."""
        fields = self.voucher_fields(order)
        if COLUMN not in fields:
            self._needs_column()
        wanted = list(self.payments(order).order_by("pk").values_list("reservation_id", flat=True))
        found = list(_ids(fields[COLUMN]))
        self.expect(found == wanted, f"the order names the reservations {found}, and its payments {wanted}")

    def _needs_column(self) -> None:
        from voucher_payment_gateway.testing.conformance.skips import declared

        raise declared(f"its order has no {COLUMN}: payments are found by the order number")


def _ids(stored: Any) -> Iterable[str]:
    return stored if isinstance(stored, list) else []
