"""The figures of many days as lines in an SVG, without a library: a line ends where a day is missing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.models import VoucherLiability
from voucher_payment_gateway.money import ZERO

__all__ = ["HEIGHT", "WIDTH", "Chart", "charts_of"]

WIDTH, HEIGHT = 720, 160

Lines = list[str]


@dataclass(frozen=True)
class Chart:
    """One currency: each line is the ``points`` of a ``polyline`` in a box of ``WIDTH`` by ``HEIGHT``."""

    currency: str
    first: date
    last: date
    highest: str
    outstanding: Lines
    breakage: Lines


def charts_of(rows: Iterable[VoucherLiability]) -> list[Chart]:
    """Return a chart for each currency, of the sums of all batches and accounts."""
    by_currency: dict[str, dict[date, tuple[Decimal, Decimal]]] = defaultdict(dict)
    for row in rows:
        if row.currency:
            outstanding, breakage = by_currency[row.currency].get(row.day, (ZERO, ZERO))
            sums = (outstanding + row.outstanding, breakage + row.breakage)
            by_currency[row.currency][row.day] = sums
    return [_chart(currency, days) for currency, days in sorted(by_currency.items())]


def _chart(currency: str, days: dict[date, tuple[Decimal, Decimal]]) -> Chart:
    first, last = min(days), max(days)
    highest = max(max(outstanding for outstanding, _ in days.values()), ZERO)
    outstanding, breakage = (
        _lines([(day, sums[place]) for day, sums in sorted(days.items())], first, last, highest)
        for place in (0, 1)
    )
    return Chart(currency, first, last, amount_text(highest, currency), outstanding, breakage)


def _lines(values: Sequence[tuple[date, Decimal]], first: date, last: date, highest: Decimal) -> Lines:
    """Return the points of the days that follow each other, as one line each; a day by itself is a short line."""
    lines: list[list[str]] = []
    width = max((last - first).days, 1)
    before: date | None = None
    for day, value in values:
        x = WIDTH * (day - first).days // width
        y = HEIGHT - (int(HEIGHT * value / highest) if highest else 0)
        if before is None or (day - before).days > 1:
            lines.append([f"{max(x - 1, 0)},{y}"])
        lines[-1].append(f"{x},{y}")
        before = day
    return [" ".join(points) for points in lines]
