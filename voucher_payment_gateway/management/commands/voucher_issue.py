"""``manage.py voucher_issue``: issue the vouchers of a file, and write their codes to another one."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError, VoucherGatewayError
from voucher_payment_gateway.gateway.verbs.bulk import hand_to, issue_in_bulk
from voucher_payment_gateway.management.bulk.account import check_account
from voucher_payment_gateway.management.bulk.out_file import CodeFile, FileInUseError, NotOurFileError
from voucher_payment_gateway.management.bulk.rows import FileError, Row, read_vouchers
from voucher_payment_gateway.management.progress import Progress, progress_on
from voucher_payment_gateway.orders import checked_number

NOT_FINISHED = 1
"""Exit code where some vouchers are not issued yet: run it again."""


class Command(BaseCommand):
    """Exit code 1 where it is to be run again, 2 where the files or options are wrong and nothing was sent."""

    help = (
        "Issue the gift vouchers of a CSV file and write their codes to another one (mode 0600). Safe to run again "
        "after it was interrupted: no voucher is issued twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--csv", type=Path, required=True, metavar="IN", help="what to issue, one per line"
        )
        parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="where the codes go")
        parser.add_argument(
            "--batch", required=True, metavar="NAME", help="the name of this batch, the same at every run"
        )
        parser.add_argument("--currency", default="", help="of lines that name none; by default CURRENCY")
        parser.add_argument("--inactive", action="store_true", help="leave them inactive: not paid yet")
        parser.add_argument("--account", default="", metavar="NAME", help="the merchant account")
        parser.add_argument("--by", default="", metavar="NAME", help="the name of the person who issues them")

    def handle(
        self,
        *,
        csv: Path,
        out: Path,
        batch: str,
        currency: str,
        inactive: bool,
        account: str,
        by: str,
        **_: Any,
    ) -> None:
        given = {"wanted": "issued" if inactive else "active", "account": account, "actor": by}
        try:
            checked_number(batch)
            check_account(account)
            rows = read_vouchers(csv, currency or gateway_settings().CURRENCY)
            with CodeFile(out) as file, progress_on(sys.stderr, "vouchers") as progress:
                troubles = self._issue(rows, batch, given, file, progress)
        except (FileError, FileInUseError, NotOurFileError, PaymentStateError, ImproperlyConfigured) as error:
            raise CommandError(f"{error}\nNothing was issued.", returncode=2) from None
        except OSError as error:
            raise CommandError(
                f"--out: {error.strerror}: {out}. Run it again once that is mended.", returncode=2
            ) from None
        done = len(rows) - len(troubles)
        self.stdout.write(f"{done} of {len(rows)} vouchers of the batch {batch} stand in {out}.")
        if troubles:
            raise CommandError("\n".join([*troubles[:20], "Run it again."]), returncode=NOT_FINISHED)

    def _issue(
        self, rows: list[Row], batch: str, given: dict[str, Any], file: CodeFile, progress: Progress | None
    ) -> list[str]:
        """Issue each voucher, and return what went wrong; one failure does not stop the others."""
        troubles = []
        for count, row in enumerate(rows, start=1):
            try:
                if problem := _issue_one(row, batch, given, file):
                    troubles.append(f"{row.sold.key}: {problem}")
            except VoucherGatewayError as error:
                troubles.append(f"{row.sold.key}: {error} ({error.code})")
            if progress:
                progress(count, len(rows))
        return troubles


def _issue_one(row: Row, batch: str, given: dict[str, Any], file: CodeFile) -> str:
    """Issue a voucher and write its code; return what is wrong, or an empty text."""
    sale = issue_in_bulk(batch, row.sold, row.currency, **given)
    if sale.status not in (given["wanted"], "active"):
        return f"it is {sale.status}, and voucher_settle has not decided yet."
    if hand_to(sale, file.write) or sale.voucher_id in file.voucher_ids:
        return ""
    return "its code was written to another file before, and erased here."
