"""The bookings of a time span as the lines of a file, in each of the formats."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

from django.utils.translation import gettext_noop as _

from voucher_payment_gateway.books.datev import ENCODING, batch_lines, batch_of
from voucher_payment_gateway.books.files import csv_lines, json_lines
from voucher_payment_gateway.books.ledger import booking_rows
from voucher_payment_gateway.books.notes import FileNotes
from voucher_payment_gateway.books.postings import CURRENCY, UnbookableError
from voucher_payment_gateway.books.rows import BookingRow
from voucher_payment_gateway.conf import gateway_settings

__all__ = ["ENCODINGS", "FORMATS", "Format", "booking_lines"]

Format = Literal["csv", "jsonl", "datev"]

FORMATS: Final[tuple[Format, ...]] = ("csv", "jsonl", "datev")

ENCODINGS: Final[dict[Format, str]] = {"csv": "utf-8", "jsonl": "utf-8", "datev": ENCODING}


def booking_lines(
    since: datetime,
    until: datetime,
    account: str | None,
    file_format: Format,
    *,
    currency: str | None = None,
    notes: FileNotes | None = None,
) -> Iterator[str]:
    """Return the lines of a file with the bookings from ``since`` on and before ``until``; with ``account`` and
    ``currency`` only theirs. A DATEV file has those in EUR; what it leaves out is in ``notes`` after the last line.

    They are read as they are asked for, a bounded number at a time. Raises UnbookableError, for DATEV alone: at once
    without ``DATEV_ACCOUNTS``, for another currency and for two fiscal years, else at a booking that has no account:
    the lines before it are of no use then.
    """
    rows: Iterator[BookingRow] = booking_rows(since, until, account)
    if file_format != "datev":
        rows = (row for row in rows if currency in (None, row.currency))
        return json_lines(rows) if file_format == "jsonl" else csv_lines(rows)
    accounts = gateway_settings().DATEV_ACCOUNTS
    if accounts is None:
        raise UnbookableError(
            _("DATEV_ACCOUNTS is not set: name the accounts that your tax adviser has approved.")
        )
    if currency not in (None, CURRENCY):
        raise UnbookableError(_("a DATEV file takes EUR alone, not %(currency)s."), currency=currency)
    rows = (notes or FileNotes()).in_euros(rows)
    return batch_lines(rows, batch_of(since, until, accounts), accounts)
