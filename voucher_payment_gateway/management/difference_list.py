"""Differences as a list for people and as a file for a spreadsheet, grouped by voucher."""

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.utils.translation import override

from voucher_payment_gateway.books.cells import Sink, cell
from voucher_payment_gateway.books.days import day_of
from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.models import VoucherDifference

__all__ = ["COLUMNS", "lines", "summary", "whole_file", "write_csv"]

COLUMNS = (
    "id",
    "voucher_id",
    "code_hint",
    "kind",
    "order_number",
    "booking_type",
    "amount_ours",
    "amount_theirs",
    "currency",
    "remote_id",
    "reference",
    "client_id",
    "booked_at",
    "first_seen_at",
    "last_seen_at",
    "sentence",
    "account",
)


def lines(differences: Iterable[VoucherDifference]) -> Iterator[str]:
    """Yield a line for each voucher, and below it two for each of its differences."""
    for (account, voucher_id), rows in groupby(differences, key=lambda row: (row.account, row.voucher_id)):
        own = list(rows)
        hint = next((row.code_hint for row in own if row.code_hint), "")
        merchant = f" of account {account}" if account else ""
        yield _printable(f"voucher {voucher_id}{merchant}" + (f" (…{hint})" if hint else ""))
        for row in own:
            yield _printable(_line(row))
            yield _printable(f"      {row.sentence}")


def summary(differences: list[VoucherDifference]) -> str:
    """Return the number of differences as a sentence."""
    if not differences:
        return "No differences."
    unread = sum(row.kind == "not_compared" for row in differences)
    found = len(differences) - unread
    sentences = []
    if found:
        new = sum(row.is_new and row.kind != "not_compared" for row in differences)
        sentences.append(f"{found} difference{'s' * (found > 1)}, {new or 'none'} new.")
    if unread:
        sentences.append(f"{unread} voucher{'s' * (unread > 1)} could not be compared.")
    return " ".join(sentences)


def write_csv(differences: Iterable[VoucherDifference], file: Sink) -> None:
    """Write a header and a row for each difference, with formulas in cells disabled."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in differences:
        writer.writerow([cell(getattr(row, name)) for name in COLUMNS])


@contextmanager
def whole_file(target: Path, encoding: str = "utf-8") -> Iterator[Sink]:
    """Open a text file of mode 0600 that replaces ``target`` once it is complete. Raises OSError.

    Raises at once if it cannot be written; a later failure leaves an older file unchanged.
    """
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder")
    with NamedTemporaryFile(
        "w", dir=target.parent, prefix=f".{target.name}.", newline="", encoding=encoding, delete=False
    ) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _line(row: VoucherDifference) -> str:
    with override(None):  # the line is in English
        told = [f"  {row.pk}", row.get_kind_display()]
    if row.order_number:
        told.append(f"order {row.order_number}")
    if (row.amount_ours, row.amount_theirs) != (None, None):
        ours, theirs = (_amount(amount, row.currency) for amount in (row.amount_ours, row.amount_theirs))
        told.append(f"ours {ours}, theirs {theirs}")
    told.append("new" if row.is_new else f"since {day_of(row.first_seen_at)}")
    return "  ".join(told)


def _amount(amount: Decimal | None, currency: str) -> str:
    return "-" if amount is None else with_code(amount, currency)


def _printable(text: str) -> str:
    """Replace control characters, which could control the terminal, in text of other clients."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
