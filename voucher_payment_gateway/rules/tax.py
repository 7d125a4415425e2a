"""The VAT contained in a charged amount, for vouchers whose VAT was paid at their sale. It is reported, not charged.

All amounts are whole units (cents, or whole yen): net and VAT add up to gross, and the shares of partial refunds add
up to the charge.
"""

from dataclasses import dataclass
from decimal import Decimal

from voucher_payment_gateway.money import CENT

__all__ = ["TaxMemo", "TaxShare", "tax_memo", "tax_share"]


@dataclass(frozen=True)
class TaxShare:
    """An amount and the VAT contained in it: ``gross == net + vat``."""

    gross: Decimal
    net: Decimal
    vat: Decimal

    def __sub__(self, other: "TaxShare") -> "TaxShare":
        return TaxShare(self.gross - other.gross, self.net - other.net, self.vat - other.vat)


@dataclass(frozen=True)
class TaxMemo:
    """The amounts charged to a voucher with VAT at ``rate`` percent, refunded, and kept after refunds."""

    rate: Decimal
    captured: TaxShare
    refunded: TaxShare
    kept: TaxShare
    unit: Decimal = CENT
    """The smallest amount of the currency."""

    def of_refund(self, amount: Decimal, *, refunded_before: Decimal) -> TaxShare:
        """Return the share of one refund. The shares of all refunds, in order, add up to ``refunded``."""
        before, after = refunded_before, refunded_before + amount
        return self._left(before) - self._left(after)

    def _left(self, refunded: Decimal) -> TaxShare:
        return tax_share(self.captured.gross - refunded, self.rate, self.unit)


def tax_memo(captured: Decimal, refunded: Decimal, rate: Decimal, unit: Decimal = CENT) -> TaxMemo:
    """Split the amounts of a payment into net and VAT at ``rate`` percent."""
    whole = tax_share(captured, rate, unit)
    kept = tax_share(captured - refunded, rate, unit)
    return TaxMemo(rate, whole, whole - kept, kept, unit)


def tax_share(gross: Decimal, rate: Decimal, unit: Decimal = CENT) -> TaxShare:
    """Split ``gross`` into net and VAT at ``rate`` percent, in whole units, half a unit rounded up.

    A gross that is not whole units is split to the cent.
    """
    step = 1 if gross % unit else _hundredths(unit)
    units, hundredths = _hundredths(gross) // step, _hundredths(rate)
    part, whole = 2 * units * hundredths, 2 * (10_000 + hundredths)
    vat = (part + whole // 2) // whole * step * CENT
    return TaxShare(gross, gross - vat, vat)


def _hundredths(number: Decimal) -> int:
    hundredths = int(number * 100)
    if number < 0 or hundredths != number * 100:
        raise ValueError("amounts and rates are not below zero and have two places")
    return hundredths
