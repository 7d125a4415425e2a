"""``manage.py voucher_import``: make vouchers known that were sold before."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.holds.codes import clean_code
from voucher_payment_gateway.management.bulk.account import check_account
from voucher_payment_gateway.management.bulk.importing import COLUMNS, ImportedRow, import_voucher
from voucher_payment_gateway.management.bulk.rows import FileError, read_lines
from voucher_payment_gateway.management.progress import progress_on
from voucher_payment_gateway.opaque import Opaque
from voucher_payment_gateway.orders import checked_number


class Command(BaseCommand):
    """Exit code 1 where some vouchers could not be imported, 2 where the file is wrong and nothing was."""

    help = (
        "Make vouchers known that were sold before, so that customers see them and clerks can top them up. Reads each "
        "at the Voucher Cloud and changes nothing there. Safe to run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--csv", type=Path, required=True, metavar="IN", help=", ".join(COLUMNS))
        parser.add_argument("--account", default="", metavar="NAME", help="the merchant account")
        parser.add_argument(
            "--by", default="", metavar="NAME", help="the name of the person who imports them"
        )

    def handle(self, *, csv: Path, account: str, by: str, **_: Any) -> None:
        try:
            check_account(account)
            rows = list(_rows(csv))
        except (FileError, ImproperlyConfigured) as error:
            raise CommandError(f"{error}\nNothing was imported.", returncode=2) from None
        troubles = []
        with progress_on(sys.stderr, "vouchers") as progress:
            for count, row in enumerate(rows, start=1):
                if problem := import_voucher(row, account, by):
                    troubles.append(f"{row.voucher_id}: {problem}")
                if progress:
                    progress(count, len(rows))
        self.stdout.write(f"{len(rows) - len(troubles)} of {len(rows)} vouchers are known.")
        if troubles:
            raise CommandError("\n".join(troubles[:20]), returncode=1)


def _rows(path: Path) -> Iterator[ImportedRow]:
    """Yield the vouchers of the file. Raises FileError, which names every wrong line, before the last is yielded."""
    problems, seen = [], dict[tuple[str, str], int]()
    for number, fields in read_lines(path, COLUMNS, required=("voucher_id",)):
        for name in ("voucher_id", "code"):
            value = fields.get(name, "")
            if value and (first := seen.setdefault((name, value), number)) != number:
                problems.append(f"line {number}: {name}: stands in line {first} too.")
        try:
            yield _row(fields["voucher_id"], fields)
        except (VoucherGatewayError, ValidationError, ValueError) as error:
            message = error.messages[0] if isinstance(error, ValidationError) else str(error)
            problems.append(f"line {number}: {message.removesuffix(' Nothing was sent.')}")
    if problems:
        raise FileError(problems)


def _row(voucher_id: str, fields: dict[str, str]) -> ImportedRow:
    if not voucher_id or len(voucher_id) > 255:
        raise ValueError("voucher_id: must have 1 to 255 characters.")
    code = Opaque(fields.get("code", ""))
    if email := fields.get("recipient_email", ""):
        validate_email(email)
    number = fields.get("order_number") or "imported"
    return ImportedRow(voucher_id, checked_number(number), email, clean_code(code, "").code if code else code)
