"""The rows as CSV and as JSON lines, piece by piece, so that a year needs no more memory than a day."""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.books.cells import cell
from voucher_payment_gateway.books.rows import COLUMNS, BookingRow

__all__ = ["Pieces", "csv_lines", "json_lines"]


class Pieces:
    """A file that hands each text on that is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[BookingRow]) -> Iterator[str]:
    """Yield a header and a line for each row; amounts with a point, instants in ISO 8601."""
    writer = csv.writer(Pieces())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([cell(_text(getattr(row, name))) for name in COLUMNS])


def json_lines(rows: Iterable[BookingRow]) -> Iterator[str]:
    """Yield a JSON object for each row, with the columns of the CSV as keys; amounts as texts, never as floats."""
    for row in rows:
        values = {name: _plain(getattr(row, name)) for name in COLUMNS}
        yield f"{json.dumps(values, ensure_ascii=False)}\n"


def _plain(value: Any) -> Any:
    return _text(value) if isinstance(value, Decimal | datetime) else value


def _text(value: object) -> object:
    """Return an instant in ISO 8601, and an amount with two places."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value:.2f}" if isinstance(value, Decimal) else value
