"""A voucher of the probe, and what was asked of it that moves money."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.exceptions import VoucherGatewayError

__all__ = ["Asked", "Sample"]


@dataclass(frozen=True, eq=False)
class Asked:
    """A charge or a refund that was asked for and has no clear answer yet."""

    kind: str
    reservation_id: str = ""
    """Of a charge."""
    number: str = ""
    """Of a charge: the order number that was sent."""
    charge_id: str = ""
    """Of a refund."""
    amount: Decimal = Decimal(0)
    """Of a refund."""

    def is_answered_by(self, row: Charge) -> bool:
        """Whether a row that nobody knew is this one: no other hand books on a voucher of the probe."""
        return row.type == self.kind and (self.kind == "charge" or row.amount == self.amount)

    def __str__(self) -> str:
        if self.kind == "charge":
            return f"a charge under the order number {self.number}"
        return f"a refund of {self.amount} of the charge {self.charge_id}"


@dataclass
class Sample:
    """A voucher of the probe, with what there is to take back."""

    id: str
    code: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    is_active: bool = False
    hold: str = ""
    """The reservation that is open; a newer one replaces it."""
    charges: dict[str, Decimal] = field(default_factory=dict)
    """What of each charge has not gone back."""
    unclear: list[Asked] = field(default_factory=list)
    """What may be booked though no answer says so."""
    booked: set[str] = field(default_factory=set)
    """The ids of all bookings that are known."""

    @contextmanager
    def asking(self, asked: Asked) -> Iterator[None]:
        """Keep in mind what is asked for until it is known to be booked, or known not to be."""
        self.unclear.append(asked)
        try:
            yield
        except (VoucherGatewayError, ValueError) as error:
            if getattr(error, "money_moved", "no") == "no":
                self.unclear.remove(asked)
            raise

    def take_in(self, asked: Asked, booked: Charge) -> None:
        """Write down a booking, whether an answer or a list told of it."""
        self.unclear.remove(asked)
        if asked.kind == "charge":
            self.charges.setdefault(booked.id, booked.amount)
            self.hold = "" if self.hold == asked.reservation_id else self.hold
        elif booked.id not in self.booked:
            self.charges[asked.charge_id] -= booked.amount
        self.booked.add(booked.id)

    def look_for_unclear(self, rows: Iterable[Charge]) -> bool:
        """Take in what the list of the bookings shows; return whether all is clear now."""
        for row in rows:
            if row.id in self.booked:
                continue
            asked = next((each for each in self.unclear if each.is_answered_by(row)), None)
            if asked is not None:
                self.take_in(asked, row)
        return not self.unclear
