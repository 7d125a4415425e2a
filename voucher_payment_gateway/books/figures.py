"""The figures of a period: how many bookings of each kind there are, what they sum up to, and a digest of all rows."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.books.rows import COLUMNS, BookingRow
from voucher_payment_gateway.money import ZERO

__all__ = ["Figures", "figures_of"]


@dataclass
class Figures:
    """``sums`` has count and sum by kind and currency."""

    sums: dict[tuple[str, str], tuple[int, Decimal]] = field(default_factory=dict)
    digest: str = ""

    @property
    def change(self) -> dict[str, Decimal]:
        """By how much the period changed what is on all vouchers, by currency."""
        changes: dict[str, Decimal] = {}
        for (kind, currency), (_, amount) in self.sums.items():
            sign = 1 if kind in ("sale", "recharge", "refund") else -1
            changes[currency] = changes.get(currency, ZERO) + sign * amount
        return changes

    def as_json(self) -> dict[str, Any]:
        """Return the sums as they are stored: amounts as texts."""
        return {
            f"{kind} {currency}": {"count": count, "sum": f"{amount:.2f}"}
            for (kind, currency), (count, amount) in sorted(self.sums.items())
        }


def figures_of(rows: Iterable[BookingRow]) -> Figures:
    """Sum the rows up, one at a time."""
    figures, digest = Figures(), hashlib.sha256()
    for row in rows:
        count, amount = figures.sums.get((row.kind, row.currency), (0, ZERO))
        figures.sums[row.kind, row.currency] = (count + 1, amount + row.amount)
        digest.update("\0".join(_text(getattr(row, name)) for name in COLUMNS).encode() + b"\n")
    figures.digest = digest.hexdigest()
    return figures


def _text(value: Any) -> str:
    """Return a value as every database gives it back."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
