"""A model of the Voucher Cloud, in integer cents, with every undocumented behaviour drawn at random.

It shares no code with the package or with its local Voucher Cloud. ``by`` identifies the operation that made a call;
only the oracle reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

__all__ = ["Behaviour", "Hold", "RefusalError", "Remote", "Row", "Voucher", "euros"]

HOLD_SECONDS = 1800.0


class RefusalError(Exception):
    """The Voucher Cloud refuses."""


@cache
def euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One interpretation of what the API's documentation leaves open."""

    second_charge: str = "refuse"
    number_filter: str = "exact"
    list_lag: float = 0.0
    refunds_tell_number: bool = True
    rows_tell_client: bool = True
    refund_limit_is_less: bool = False
    refund_limit_shrinks: bool = True
    release_works: bool = False
    open_hold_lowers_balance: bool = False
    refused_reserve_kills_hold: bool = False
    numbers_are_unique: bool = False
    lapse_lag: float = 0.0
    booking_delay: float = 0.0
    clock_offset: float = 0.0

    @classmethod
    def drawn(cls, random: Random) -> "Behaviour":
        return cls(
            second_charge=random.choice(("refuse", "same", "book")),
            number_filter=random.choice(("exact", "prefix", "ignored")),
            list_lag=random.choice((0.0, 5.0, 55.0)),
            refunds_tell_number=random.random() < 0.5,
            rows_tell_client=random.random() < 0.5,
            refund_limit_is_less=random.random() < 0.25,
            refund_limit_shrinks=random.random() < 0.5,
            release_works=random.random() < 0.3,
            open_hold_lowers_balance=random.random() < 0.5,
            refused_reserve_kills_hold=random.random() < 0.5,
            numbers_are_unique=random.random() < 0.3,
            lapse_lag=random.choice((0.0, 240.0)),
            booking_delay=5.0 if random.random() < 0.3 else 0.0,
            clock_offset=random.choice((0.0, 0.0, 40.0, -40.0, 7200.0, -7200.0)),
        )


@dataclass(slots=True)
class Hold:
    """A reservation."""

    id: str
    voucher_id: str
    cents: int
    amount: Decimal
    ends_at: float
    valid_until: float
    """The end by the server's own clock."""
    charged_as: str = ""


@dataclass(slots=True)
class Row:
    """A booking. ``cents`` is its amount in the books, ``amount`` the same as the API returns it."""

    id: str
    type: str
    cents: int
    amount: Decimal
    order_number: str | None
    client_id: str | None
    charge_id: str
    booked_at: float
    shown_at: float
    created_at: float
    """When it was booked, by the server's own clock."""
    by: Any


@dataclass(slots=True)
class Voucher:
    id: str
    balance: int
    hold: Hold | None = None
    rows: list[Row] = field(default_factory=list)


class Remote:
    """All vouchers. A method is called at the instant when its request arrives."""

    def __init__(self, random: Random, behaviour: Behaviour, balances: list[int]) -> None:
        self.random = random
        self.behaviour = behaviour
        self.vouchers = {f"v{n}": Voucher(f"v{n}", cents) for n, cents in enumerate(balances)}
        self._holds: dict[str, Hold] = {}
        self._rows: dict[str, Row] = {}
        self._gone: set[str] = set()

    def reserve(self, now: float, voucher_id: str, cents: int) -> Hold:
        """Hold an amount; it replaces the voucher's previous hold."""
        voucher, behaviour = self.vouchers[voucher_id], self.behaviour
        there = voucher.balance
        if behaviour.open_hold_lowers_balance and voucher.hold and now < voucher.hold.ends_at:
            there -= voucher.hold.cents
        if cents > there:
            if behaviour.refused_reserve_kills_hold:
                self._end(voucher)
            raise RefusalError("balance")
        self._end(voucher)
        ends_at = now + HOLD_SECONDS
        hold = Hold(
            f"h{len(self._holds)}", voucher_id, cents, euros(cents), ends_at, ends_at + behaviour.clock_offset
        )
        self._holds[hold.id] = voucher.hold = hold
        return hold

    def release(self, now: float, hold_id: str) -> None:
        """Cancel a reservation; "not found" where there is no such call."""
        hold = self._holds.get(hold_id)
        voucher = self.vouchers[hold.voucher_id] if hold else None
        if not self.behaviour.release_works or not voucher or voucher.hold is not hold:
            raise RefusalError("not found")
        self._end(voucher)

    def charge(self, now: float, hold_id: str, number: str, client_id: str, by: Any) -> Row:
        """Book the amount of a hold."""
        hold = self.validated(now, hold_id)
        return self.book(now, hold, number, client_id, by)

    def validated(self, now: float, hold_id: str) -> Hold:
        """Return the hold if it can be charged now: the first half of a charge."""
        hold = self._holds.get(hold_id)
        if hold is None or hold_id in self._gone or now >= hold.ends_at + self.behaviour.lapse_lag:
            raise RefusalError("closed")
        return hold

    def book(self, now: float, hold: Hold, number: str, client_id: str, by: Any) -> Row:
        """Book a validated charge, perhaps seconds later: the second half of a charge."""
        voucher = self.vouchers[hold.voucher_id]
        if hold.charged_as:
            if self.behaviour.second_charge == "same":
                return self._rows[hold.charged_as]
            if self.behaviour.second_charge == "refuse":
                raise RefusalError("charged")
        if self.behaviour.numbers_are_unique and any(
            row.order_number == number and row.type == "charge" for row in voucher.rows
        ):
            raise RefusalError("number")
        if hold.cents > voucher.balance:
            raise RefusalError("balance")
        voucher.balance -= hold.cents
        row = self._booked(now, voucher, "charge", hold.cents, number, client_id, "", by)
        hold.charged_as = row.id
        return row

    def refund(self, now: float, charge_id: str, cents: int, client_id: str, by: Any) -> Row:
        """Refund a charge, or a part of it."""
        charge = self._rows[charge_id]
        voucher = self._voucher_of(charge)
        limit = charge.cents
        if self.behaviour.refund_limit_shrinks:
            limit -= sum(row.cents for row in voucher.rows if row.charge_id == charge_id)
        if cents > limit or (self.behaviour.refund_limit_is_less and cents == limit):
            raise RefusalError("limit")
        voucher.balance += cents
        number = charge.order_number if self.behaviour.refunds_tell_number else None
        return self._booked(now, voucher, "refund", cents, number, client_id, charge_id, by)

    def bookings(self, now: float, voucher_id: str, number: str | None = None) -> list[Row]:
        """Return the rows visible by now. The effect of a filter by number is undocumented, so it is drawn."""
        shown = [row for row in self.vouchers[voucher_id].rows if row.shown_at <= now]
        if number is None or self.behaviour.number_filter == "ignored":
            return shown
        same: Callable[[str], bool] = (
            number.__eq__
            if self.behaviour.number_filter == "exact"
            else lambda returned: returned.startswith(number)
        )
        return [row for row in shown if same(row.order_number or "")]

    def _booked(
        self,
        now: float,
        voucher: Voucher,
        type: str,
        cents: int,
        number: str | None,
        client_id: str,
        charge_id: str,
        by: Any,
    ) -> Row:
        lag = self.behaviour.list_lag
        shown_at = now + self.random.random() * lag if lag else now
        returned = client_id if self.behaviour.rows_tell_client else None
        row = Row(
            f"b{len(self._rows)}",
            type,
            cents,
            euros(cents),
            number,
            returned,
            charge_id,
            now,
            shown_at,
            now + self.behaviour.clock_offset,
            by,
        )
        self._rows[row.id] = row
        voucher.rows.append(row)
        return row

    def _voucher_of(self, row: Row) -> Voucher:
        return next(voucher for voucher in self.vouchers.values() if row in voucher.rows)

    def _end(self, voucher: Voucher) -> None:
        if voucher.hold:
            self._gone.add(voucher.hold.id)
            voucher.hold = None
