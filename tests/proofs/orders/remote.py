"""A model of the Voucher Cloud, in integer cents. It shares no code with the package or with its local Voucher Cloud.

Calls are exact: lost and late ones are played by ``simulation``. ``by`` identifies the order that a booking was made
for; only the oracle reads it.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

__all__ = ["Hold", "RefusalError", "Remote", "Row", "Voucher", "cents", "euros"]

HOLD_SECONDS = 1800.0


class RefusalError(Exception):
    """The Voucher Cloud refuses."""


@cache
def euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def cents(amount: Decimal) -> int:
    return int(amount.scaleb(2))


@dataclass(slots=True)
class Hold:
    """A reservation."""

    id: str
    voucher_id: str
    cents: int
    ends_at: float
    by: Any
    is_charged: bool = False


@dataclass(slots=True)
class Row:
    """A booking."""

    id: str
    type: str
    cents: int
    amount: Decimal
    order_number: str | None
    client_id: str | None
    charge_id: str
    by: Any


@dataclass(slots=True)
class Voucher:
    id: str
    balance: int
    is_active: bool = True
    hold: Hold | None = None
    rows: list[Row] = field(default_factory=list)


class Remote:
    """All vouchers; each keeps one reservation, for 30 minutes."""

    def __init__(
        self,
        balances: list[int],
        *,
        open_hold_lowers_balance: bool,
        release_works: bool,
        refund_limit_shrinks: bool,
    ) -> None:
        self.vouchers = {f"v{n}": Voucher(f"v{n}", balance) for n, balance in enumerate(balances)}
        self.open_hold_lowers_balance = open_hold_lowers_balance
        self.release_works = release_works
        self.refund_limit_shrinks = refund_limit_shrinks
        self.calls = 0
        self._holds: dict[str, Hold] = {}
        self._rows: dict[str, Row] = {}

    def balance(self, now: float, voucher_id: str) -> int:
        """Return the balance as the API shows it."""
        self.calls += 1
        return self._shown(now, self.vouchers[voucher_id])

    def reserve(self, now: float, voucher_id: str, cents: int, by: Any) -> Hold:
        """Hold an amount; it replaces the voucher's reservation."""
        self.calls += 1
        voucher = self.vouchers[voucher_id]
        if not voucher.is_active:
            raise RefusalError("unusable")
        if cents > self._shown(now, voucher):
            raise RefusalError("balance")
        hold = Hold(f"h{len(self._holds)}", voucher_id, cents, now + HOLD_SECONDS, by)
        self._holds[hold.id] = voucher.hold = hold
        return hold

    def release(self, hold_id: str) -> None:
        """End a reservation, where the API has this call."""
        self.calls += 1
        hold = self._holds.get(hold_id)
        if self.release_works and hold and self.vouchers[hold.voucher_id].hold is hold:
            self.vouchers[hold.voucher_id].hold = None

    def charge(self, now: float, hold_id: str, number: str, client_id: str, by: Any) -> Row:
        """Book the amount of a reservation."""
        self.calls += 1
        hold = self._holds[hold_id]
        voucher = self.vouchers[hold.voucher_id]
        if voucher.hold is not hold or now >= hold.ends_at or hold.cents > voucher.balance:
            raise RefusalError("closed")
        voucher.hold = None
        voucher.balance -= hold.cents
        return self._booked(voucher, "charge", hold.cents, number, client_id, "", by)

    def refund(self, charge_id: str, cents: int, client_id: str, by: Any) -> Row:
        """Give a part of a charge back."""
        self.calls += 1
        charge = self._rows[charge_id]
        voucher = next(voucher for voucher in self.vouchers.values() if charge in voucher.rows)
        returned = sum(row.cents for row in voucher.rows if row.charge_id == charge_id)
        if cents > charge.cents - (returned if self.refund_limit_shrinks else 0):
            raise RefusalError("limit")
        voucher.balance += cents
        return self._booked(voucher, "refund", cents, charge.order_number, client_id, charge_id, by)

    def bookings(self, voucher_id: str) -> list[Row]:
        self.calls += 1
        return list(self.vouchers[voucher_id].rows)

    def _shown(self, now: float, voucher: Voucher) -> int:
        is_held = voucher.hold is not None and now < voucher.hold.ends_at
        lowered = self.open_hold_lowers_balance and is_held
        return voucher.balance - (voucher.hold.cents if lowered and voucher.hold else 0)

    def _booked(
        self, voucher: Voucher, type: str, cents: int, number: str | None, client: str, charge: str, by: Any
    ) -> Row:
        row = Row(f"b{len(self._rows)}", type, cents, euros(cents), number, client, charge, by)
        self._rows[row.id] = row
        voucher.rows.append(row)
        return row
