"""One line of the books: a booking as accountants read it, as plain data."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

__all__ = ["COLUMNS", "RAISES", "ROW_KINDS", "SOLD_ELSEWHERE", "BookingRow", "RowKind", "VatKind"]

RowKind = Literal["sale", "recharge", "charge", "refund", "take_back"]
VatKind = Literal["single_purpose", "multi_purpose", ""]

ROW_KINDS: Final = ("sale", "recharge", "charge", "refund", "take_back")

RAISES: Final = ("sale", "recharge", "refund")
"""Kinds that raise what is on a voucher; the others lower it."""

SOLD_ELSEWHERE: Final = ("", "imported", "topped_up")
"""Origins of vouchers that this shop did not sell: what kind they are, only the Voucher Cloud knows."""

COLUMNS: Final = (
    "booked_at",
    "kind",
    "order_number",
    "account",
    "voucher_id",
    "amount",
    "balance",
    "currency",
    "vat_kind",
    "vat_rate",
    "origin",
    "batch",
    "actor",
    "remote_id",
    "operation",
)


@dataclass(frozen=True)
class BookingRow:
    """A booking on one voucher. There is no code in it.

    ``amount`` is above zero, in units of ``currency``; ``kind`` says whether it raises or lowers the voucher's balance.
    ``vat_kind`` and ``vat_rate`` are those with which this shop sold the voucher, at each of its bookings alike; of a
    voucher that was sold elsewhere those that its reservation showed. ``vat_kind`` is empty where it is not known
    whether VAT was paid at the sale; ``vat_rate`` is in percent, of single-purpose vouchers alone, None where it is not
    known. ``origin`` and ``batch`` are those of the voucher's sale, empty where this shop did not know one at the time
    of the booking. ``operation`` is the primary key of our operation.
    """

    booked_at: datetime
    kind: RowKind
    order_number: str
    account: str
    voucher_id: str
    amount: Decimal
    currency: str
    vat_kind: VatKind
    vat_rate: Decimal | None
    origin: str
    batch: str
    actor: str
    remote_id: str
    operation: int

    @property
    def balance(self) -> str:
        """``raises`` or ``lowers``: what the booking does to the voucher's balance."""
        return "raises" if self.kind in RAISES else "lowers"

    @property
    def change(self) -> Decimal:
        """The change of the voucher's balance, with its sign."""
        return self.amount if self.kind in RAISES else -self.amount
