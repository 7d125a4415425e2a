"""The Voucher Cloud's own books of a day: our bookings, also on vouchers that were deleted since."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID
from voucher_payment_gateway.sandbox.cloud import BookingView

__all__ = ["Books", "bookings_of", "gone", "in_cents", "sum_of", "was_active"]

Row = dict[str, Any]


class Books:
    """Our bookings at the cloud: charges and recharges by their order number, refunds by their charge."""

    def __init__(
        self, cloud: Any, vouchers: Iterable[Any], known: set[str], doubled: Counter[tuple[str, str]]
    ) -> None:
        """``known``: the ids in our rows. ``doubled``: the number of duplicates of each request."""
        self.charges: dict[str, list[Any]] = defaultdict(list)
        self.recharges: dict[str, list[Any]] = defaultdict(list)
        self.refunds: dict[str, list[Any]] = defaultdict(list)
        self.ids: set[str] = set()
        self.gone = gone(cloud)
        self.replacements: dict[int, list[VoucherSale]] = defaultdict(list)
        """By payment: the sales of new vouchers in place of refunds that were ever active."""
        by_kind = {"charge": self.charges, "recharge": self.recharges, "refund": self.refunds}
        for row in (row for voucher in vouchers for row in bookings_of(cloud, voucher.id)):
            if row.client_id != LOCAL_CLIENT_ID:
                continue
            self.ids.add(row.id)
            number = row.charge_id if row.type == "refund" else row.order_number
            if row.id not in known and doubled[row.type, number]:
                doubled[row.type, number] -= 1
            else:
                by_kind[row.type][number].append(row)
        for sale in VoucherSale.objects.select_related("replaces_refund").exclude(replaces_refund=None):
            if was_active(cloud, sale.voucher_id):
                self.replacements[sale.replaces_refund.payment_id].append(sale)

    def charged(self, operations: list[Row]) -> list[Any]:
        """Return the charges booked under the numbers of these operations."""
        return self._numbered(self.charges, operations, "charge")

    def refunded(self, operations: list[Row]) -> list[Any]:
        """Return our refunds of what these operations charged."""
        return [row for charge in self.charged(operations) for row in self.refunds.get(charge.id, ())]

    def recharged(self, operations: list[Row]) -> list[Any]:
        """Return the recharges booked under the numbers of these operations."""
        return self._numbered(self.recharges, operations, "recharge")

    def given_back(self, operations: list[Row]) -> int:
        """Return the cents that went back of one payment in any way: refunds, recharges and new vouchers."""
        payments = {row["payment_id"] for row in operations}
        new = [sale for payment in payments for sale in self.replacements.get(payment, ())]
        return sum_of([*self.refunded(operations), *self.recharged(operations), *new])

    def _numbered(self, booked: dict[str, list[Any]], operations: list[Row], kind: str) -> list[Any]:
        numbers = {row["reference"] for row in operations if row["kind"] == kind}
        return [row for number in numbers for row in booked.get(number, ())]


def bookings_of(cloud: Any, voucher_id: str) -> list[BookingView]:
    """Return every booking of a voucher, oldest first, also of one that was deleted."""
    cloud.clock.run_due()
    with cloud.store.lock:
        return [
            BookingView(
                row.id,
                row.type,
                Decimal(row.amount_cents) / 100,
                row.order_number,
                row.client_id,
                row.created_at,
                row.charge_id,
            )
            for row in cloud.store.bookings_of(cloud.store.state.vouchers[voucher_id])
        ]


def gone(cloud: Any) -> set[str]:
    """Return the ids of the vouchers that an operator of the Voucher Cloud deleted: nothing is read of them any more,
    so what is unknown about them is left to a person after a day. The shop itself deletes only vouchers that it sold or
    gave."""
    vouchers = cloud.store.state.vouchers.values()
    return {each.id for each in vouchers if each.deleted and not each.id.startswith("vpg-")}


def was_active(cloud: Any, voucher_id: str) -> bool:
    """Return whether the cloud has such a voucher and it was ever activated."""
    voucher = cloud.store.state.vouchers.get(voucher_id)
    return voucher is not None and voucher.valid_until is not None


def sum_of(rows: Iterable[Any]) -> int:
    """Return the sum of bookings, in cents."""
    return sum(in_cents(row.amount) for row in rows)


def in_cents(amount: Any) -> int:
    """Return an amount in cents."""
    euros, _, cents = f"{amount:.2f}".partition(".")
    return int(euros) * 100 + int(cents)
