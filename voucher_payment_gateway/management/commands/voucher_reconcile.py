"""``manage.py voucher_reconcile``: compare our operations with the bookings at the Voucher Cloud, both ways."""

import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.days import midnight, today
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.management.difference_list import lines, summary, whole_file, write_csv
from voucher_payment_gateway.management.instants import day_before, instant
from voucher_payment_gateway.management.progress import progress_on
from voucher_payment_gateway.management.system_user import system_user
from voucher_payment_gateway.models import VoucherDifference

DIFFERENCES, NOT_COMPARED = 1, 2
"""Exit codes."""

AGAIN = "Run it again for the same period."
OPTIONS = {"since": "--since", "until": "--until", "explanation": "--explain", "actor": "--by"}
"""The options that give the arguments of ``gateway.reconcile`` and ``gateway.explain``."""


class Command(BaseCommand):
    """Exit code 1 with differences, 2 where something could not be compared."""

    help = (
        "Compare the gift voucher operations of a period, by default yesterday, with the Voucher Cloud's "
        "bookings, and list the differences that are not explained. Moves no money."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            type=instant,
            metavar="WHEN",
            help="start of the period: a date or an instant, ISO 8601",
        )
        parser.add_argument("--until", type=instant, metavar="WHEN", help="end of the period, not included")
        parser.add_argument("--account", metavar="NAME", help="compare the vouchers of this account alone")
        parser.add_argument("--csv", type=Path, metavar="FILE", help="write the differences to a file too")
        parser.add_argument(
            "--explain", nargs=2, metavar=("ID", "SENTENCE"), help="record why a difference is correct"
        )
        parser.add_argument("--by", default="", metavar="NAME", help="the name of the person who explains it")

    def handle(
        self,
        *,
        since: datetime | None,
        until: datetime | None,
        csv: Path | None,
        account: str | None,
        explain: list[str] | None,
        by: str,
        **_: Any,
    ) -> None:
        if explain:
            self._explain(*explain, by=by or system_user())
            return
        until = until or midnight(today())
        since = since or day_before(until)
        self.failed: list[str] = []
        differences = self._compared(since, until, csv, account)
        for line in lines(differences):
            self.stdout.write(line)
        self._end(differences)

    def _compared(
        self, since: datetime, until: datetime, csv: Path | None, account: str | None
    ) -> list[VoucherDifference]:
        names = gateway_settings().account_names
        if account is not None and account not in names:
            known = ", ".join(map(repr, names))
            raise CommandError(f"--account: {account!r} is none of {known}.", returncode=NOT_COMPARED)
        options: dict[str, Any] = {}
        if account is not None:
            options["account"] = account
        elif gateway_settings().ACCOUNTS:
            options["on_error"] = self._note_failed
        try:
            with whole_file(csv) if csv else nullcontext() as file:
                with progress_on(sys.stderr, "vouchers") as progress:
                    differences = gateway.reconcile(since, until, progress=progress, **options)
                if file:
                    write_csv(differences, file)
        except ValueError as error:
            raise CommandError(_by_option(error), returncode=NOT_COMPARED) from None
        except OSError as error:
            if csv is None:
                raise
            raise CommandError(f"--csv: {error}. No file was written.", returncode=NOT_COMPARED) from None
        except VoucherGatewayError as error:
            raise CommandError(
                f"Not everything was compared: {_reason(error)} {AGAIN}",
                returncode=NOT_COMPARED,
            ) from None
        return differences

    def _note_failed(self, account: str, error: VoucherGatewayError) -> None:
        """One account does not hide the others."""
        name = f"account {account!r}" if account else "the default account"
        self.failed.append(f"Not everything of {name} was compared: {_reason(error)}")

    def _end(self, differences: list[VoucherDifference]) -> None:
        if self.failed:
            sentences = [summary(differences), *self.failed, AGAIN]
            raise CommandError(" ".join(sentences), returncode=NOT_COMPARED)
        if not differences:
            self.stdout.write(summary(differences))
            return
        unread = any(difference.kind == "not_compared" for difference in differences)
        raise CommandError(summary(differences), returncode=NOT_COMPARED if unread else DIFFERENCES)

    def _explain(self, number: str, sentence: str, *, by: str) -> None:
        found = VoucherDifference.current.filter(pk=number).first() if number.isdecimal() else None
        if found is None:
            raise CommandError(f"--explain: there is no difference {number}. Nothing was written.")
        try:
            gateway.explain(found, sentence, actor=by)
        except ValueError as error:
            raise CommandError(f"{_by_option(error)} Nothing was written.") from None
        self.stdout.write(f"Difference {found.pk} is explained.")


def _by_option(error: ValueError) -> str:
    """Return the sentence about an argument as one about the option that gave it."""
    argument, _, sentence = str(error).partition(": ")
    if argument not in OPTIONS:
        return str(error)
    return f"{OPTIONS[argument]}: {sentence.replace(' since.', ' --since.')}"


def _reason(error: VoucherGatewayError) -> str:
    return f"{str(error).removesuffix('.')} ({error.code})."
