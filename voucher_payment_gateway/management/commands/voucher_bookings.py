"""``manage.py voucher_bookings``: every booking of a period for the accounts, and the closing of a period."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.books.datev import PREFIX
from voucher_payment_gateway.books.days import local
from voucher_payment_gateway.books.export import ENCODINGS, FORMATS, Format, booking_lines
from voucher_payment_gateway.books.notes import FileNotes
from voucher_payment_gateway.books.periods import (
    NotClosedError,
    changed_kinds,
    check_period,
    close_period,
    periods_within,
)
from voucher_payment_gateway.books.postings import UnbookableError
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.management.difference_list import whole_file
from voucher_payment_gateway.management.instants import instant, last_month
from voucher_payment_gateway.management.progress import progress_on
from voucher_payment_gateway.management.system_user import system_user
from voucher_payment_gateway.models import VoucherClosedPeriod

CHANGED, NOT_DONE, LEFT_OUT = 1, 2, 3
"""Exit codes."""


class Command(BaseCommand):
    """Exit code 1 where the figures of a closed period have changed, 2 where nothing was written or closed, 3 where the
    DATEV file was written without bookings in other currencies."""

    help = (
        "Write every gift voucher booking of a period, by default the last calendar month: charges, refunds, sales, "
        "recharges and vouchers taken back. With --close the period is reconciled and closed. Moves no money."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=instant, metavar="WHEN", help="start of the period, ISO 8601")
        parser.add_argument("--until", type=instant, metavar="WHEN", help="its end, not included")
        parser.add_argument("--format", choices=FORMATS, default="csv", help="of the rows")
        parser.add_argument("--file", type=Path, metavar="FILE", help="write to a file of mode 0600")
        parser.add_argument("--account", metavar="NAME", help="only the vouchers of this account")
        parser.add_argument(
            "--currency", metavar="CODE", help="only the bookings in this currency, such as EUR"
        )
        parser.add_argument("--close", action="store_true", help="close the period; no rows are written")
        parser.add_argument("--by", default="", metavar="NAME", help="the name of the person who closes it")

    def handle(
        self, *, since: datetime | None, until: datetime | None, close: bool, by: str, **options: Any
    ) -> None:
        if (since is None) != (until is None):
            raise CommandError("Give both --since and --until, or neither.", returncode=NOT_DONE)
        first, last = (since, until) if since and until else last_month()
        if first >= last:
            raise CommandError("--until: must be later than --since.", returncode=NOT_DONE)
        is_partial = False
        if close:
            self._close(first, last, by or system_user())
        else:
            is_partial = self._write(first, last, **options)
        self._tell_of(first, last)
        if is_partial:
            raise CommandError(
                "The file was written, but not every booking is in it: see above, or name the --currency.",
                returncode=LEFT_OUT,
            )

    def _write(
        self,
        since: datetime,
        until: datetime,
        *,
        format: Format,
        file: Path | None,
        account: str | None,
        currency: str | None,
        **_: Any,
    ) -> bool:
        """Write the rows, and return whether bookings were left out that the options did not exclude."""
        names = gateway_settings().account_names
        if account is not None and account not in names:
            known = ", ".join(map(repr, names))
            raise CommandError(f"--account: {account!r} is none of {known}.", returncode=NOT_DONE)
        if format == "datev" and account is None and len(names) > 1:
            raise CommandError("--account: DATEV takes a file for each merchant.", returncode=NOT_DONE)
        if format == "datev" and not (file and file.name.startswith(PREFIX) and file.suffix == ".csv"):
            name = f"{PREFIX}Gutscheine.csv"
            raise CommandError(f"--file: DATEV takes a file named such as {name}.", returncode=NOT_DONE)
        notes = FileNotes()
        try:
            lines = booking_lines(since, until, account, format, currency=currency, notes=notes)
            self._print(lines) if file is None else _store(lines, file, ENCODINGS[format])
        except OSError as error:
            raise CommandError(f"--file: {error}. No file was written.", returncode=NOT_DONE) from None
        except UnbookableError as error:
            raise CommandError(f"{error} No file was written.", returncode=NOT_DONE) from None
        for sentence, words in notes.sentences():
            self.stderr.write(sentence % words)
        return bool(notes.left_out) and currency is None

    def _print(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line, ending="")

    def _close(self, since: datetime, until: datetime, by: str) -> None:
        try:
            with progress_on(sys.stderr, "vouchers") as progress:
                close_period(since, until, actor=by, progress=progress)
        except ValueError as error:
            raise CommandError(f"--by: {str(error).partition(': ')[2]}", returncode=NOT_DONE) from None
        except NotClosedError as error:
            raise CommandError(str(error), returncode=NOT_DONE) from None
        except VoucherGatewayError as error:
            raise CommandError(
                f"Not everything was compared: {str(error).removesuffix('.')} ({error.code}). The period is not "
                "closed.",
                returncode=NOT_DONE,
            ) from None

    def _tell_of(self, since: datetime, until: datetime) -> None:
        """Say which part of the time span is closed, and where its figures have changed since."""
        periods = [check_period(period) for period in periods_within(since, until)]
        for period in periods:
            self.stderr.write(_state_of(period))
        if not any(period.since <= since and until <= period.until for period in periods):
            self.stderr.write("This period is not closed.")
        if any(period.changed_at for period in periods):
            raise CommandError("The figures of a closed period have changed.", returncode=CHANGED)


def _store(lines: Iterable[str], file: Path, encoding: str) -> None:
    with whole_file(file, encoding) as sink:
        for line in lines:
            sink.write(line)


def _state_of(period: VoucherClosedPeriod) -> str:
    state = f"{period}: closed at {local(period.closed_at):%Y-%m-%d %H:%M} by {period.closed_by}"
    if period.changed_at is None:
        return f"{state}."
    return f"{state}; its figures have changed since: {'; '.join(changed_kinds(period))}."
