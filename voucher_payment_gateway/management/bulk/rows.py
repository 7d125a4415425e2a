"""Reading a file of vouchers: the whole file is checked before anything is sent."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from voucher_payment_gateway.currencies import supported_currency
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.sold import SoldVoucher, checked

__all__ = ["FileError", "Row", "read_lines", "read_vouchers"]

MAX_ROWS = 100_000
MAX_PROBLEMS = 20
"""How many problems of a file are listed."""

COLUMNS = (
    *("key", "amount", "currency", "recipient_email", "recipient_name", "message", "sku", "batch"),
    *("validity_value", "validity_interval", "taxable", "tax_rate"),
)
YES, NO = ("1", "true", "yes"), ("0", "false", "no")


class FileError(Exception):
    """The file cannot be used; ``problems`` are sentences, each with the number of its line."""

    def __init__(self, problems: list[str]) -> None:
        shown = problems[:MAX_PROBLEMS]
        if len(problems) > MAX_PROBLEMS:
            shown.append(f"and {len(problems) - MAX_PROBLEMS} more problems")
        super().__init__("\n".join(shown))


@dataclass(frozen=True)
class Row:
    """One voucher to issue, and the currency of its amount."""

    sold: SoldVoucher
    currency: str


def read_vouchers(path: Path, default_currency: str) -> list[Row]:
    """Return the vouchers that the file asks for. Raises FileError, which names every wrong line."""
    rows, problems, lines = [], [], dict[str, int]()
    for number, fields in read_lines(path, COLUMNS, required=("amount",)):
        try:
            row = _row(number, fields, default_currency)
        except (PaymentStateError, ValueError) as error:
            problems.append(f"line {number}: {str(error).removesuffix(' Nothing was sent.')}")
            continue
        if (first := lines.setdefault(row.sold.key, number)) != number:
            problems.append(f"line {number}: key: {row.sold.key!r} stands in line {first} too.")
        rows.append(row)
    if problems:
        raise FileError(problems)
    return rows


def read_lines(
    path: Path, columns: tuple[str, ...], *, required: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number and the fields of each line that is not empty. Raises FileError for another sort of file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter=_delimiter(file.readline()), restkey="", strict=True)
            file.seek(0)
            try:
                _check_header(reader.fieldnames or [], columns, required)
                yield from _lines(reader)
            except csv.Error as error:
                raise FileError([f"line {reader.reader.line_num}: {error}."]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileError([f"{path.name} cannot be read: {error}"]) from None


def _delimiter(header: str) -> str:
    """Return the separator of the columns: spreadsheets write a semicolon where the comma is for decimals."""
    return ";" if ";" in header else ","


def _lines(reader: Any) -> Iterator[tuple[int, dict[str, str]]]:
    for count, fields in enumerate(reader, start=1):
        if count > MAX_ROWS:
            raise FileError([f"the file has more than {MAX_ROWS} lines: divide it."])
        if fields.get(""):
            raise FileError([f"line {reader.line_num}: has more columns than the first line."])
        given = {name: (value or "").strip() for name, value in fields.items()}
        if any(given.values()):
            yield reader.line_num, given


def _check_header(names: Any, columns: tuple[str, ...], required: tuple[str, ...]) -> None:
    problems = [f"line 1: there is no column {name!r}; known are {', '.join(columns)}." for name in names]
    problems = [problem for problem, name in zip(problems, names, strict=True) if name not in columns]
    problems += [f"line 1: the column {name!r} is missing." for name in required if name not in names]
    if len(set(names)) != len(names):
        problems.append("line 1: a column stands there twice.")
    if problems:
        raise FileError(problems)


def _row(number: int, fields: dict[str, str], default_currency: str) -> Row:
    currency = supported_currency(fields.get("currency") or default_currency)
    texts = ("recipient_email", "recipient_name", "message", "sku", "batch", "validity_interval")
    given: dict[str, Any] = {name: fields.get(name, "") for name in texts}
    sold = SoldVoucher(
        key=fields.get("key") or str(number),
        amount=_decimal("amount", fields["amount"]),
        validity_value=int(value) if (value := fields.get("validity_value")) else None,
        taxable=_flag(fields.get("taxable", "")),
        tax_rate=_decimal("tax_rate", rate) if (rate := fields.get("tax_rate")) else None,
        **given,
    )
    return Row(checked(sold, currency), currency)


def _decimal(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name}: {text!r} is no number such as 50.00.") from None


def _flag(text: str) -> bool | None:
    if text and text.lower() not in (*YES, *NO):
        raise ValueError(f"taxable: {text!r} is neither yes nor no.")
    return text.lower() in YES if text else None
