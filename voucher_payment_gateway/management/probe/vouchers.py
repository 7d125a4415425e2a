"""A voucher of the probe, and its bookings."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.exceptions import VoucherGatewayError

__all__ = ["ProbeVoucher", "UnconfirmedBooking"]


@dataclass(frozen=True, eq=False)
class UnconfirmedBooking:
    """A charge or refund that was sent and is not confirmed yet."""

    kind: str
    reservation_id: str = ""
    """Of a charge."""
    number: str = ""
    """Of a charge: the order number that was sent."""
    charge_id: str = ""
    """Of a refund."""
    amount: Decimal = Decimal(0)
    """Of a refund."""

    def matches(self, row: Charge) -> bool:
        """Return whether an unknown row is this booking: only the probe books on its vouchers."""
        return row.type == self.kind and (self.kind == "charge" or row.amount == self.amount)

    def __str__(self) -> str:
        if self.kind == "charge":
            return f"a charge under the order number {self.number}"
        return f"a refund of {self.amount} of the charge {self.charge_id}"


@dataclass
class ProbeVoucher:
    """A voucher of the probe, with everything that has to be undone."""

    id: str
    code: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    is_active: bool = False
    reservation_id: str = ""
    """The open reservation; a newer one replaces it."""
    charges: dict[str, Decimal] = field(default_factory=dict)
    """By charge id, the amount that is not refunded yet."""
    unconfirmed: list[UnconfirmedBooking] = field(default_factory=list)
    """Bookings that no answer has confirmed."""
    booking_ids: set[str] = field(default_factory=set)
    """The ids of all confirmed bookings."""

    @contextmanager
    def awaiting(self, booking: UnconfirmedBooking) -> Iterator[None]:
        """Remember a booking until its outcome is known."""
        self.unconfirmed.append(booking)
        try:
            yield
        except (VoucherGatewayError, ValueError) as error:
            if getattr(error, "money_moved", "no") == "no":
                self.unconfirmed.remove(booking)
            raise

    def confirm(self, booking: UnconfirmedBooking, booked: Charge) -> None:
        """Record a booking that an answer or the list of bookings shows."""
        self.unconfirmed.remove(booking)
        if booking.kind == "charge":
            self.charges.setdefault(booked.id, booked.amount)
            self.reservation_id = "" if self.reservation_id == booking.reservation_id else self.reservation_id
        elif booked.id not in self.booking_ids:
            self.charges[booking.charge_id] -= booked.amount
        self.booking_ids.add(booked.id)

    def confirm_from(self, rows: Iterable[Charge]) -> bool:
        """Confirm bookings that the list shows; return whether none is left unconfirmed."""
        for row in rows:
            if row.id in self.booking_ids:
                continue
            booking = next((each for each in self.unconfirmed if each.matches(row)), None)
            if booking is not None:
                self.confirm(booking, row)
        return not self.unconfirmed
