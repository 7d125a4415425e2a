"""``manage.py voucher_archive``: move the operations of orders that ended long ago out of the way."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.books.archive import TooRecentError, archive
from voucher_payment_gateway.management.instants import instant
from voucher_payment_gateway.management.system_user import system_user

NOT_DONE = 2
"""Exit code."""


class Command(BaseCommand):
    """Exit code 2 where the date is too late."""

    help = (
        "Move the gift voucher operations of orders that ended before a date into archive tables, with their sums. "
        "Their money cannot be given back by refund or cancel any more. Moves no money."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--before", type=instant, required=True, metavar="WHEN", help="a date or an instant, ISO 8601"
        )
        parser.add_argument("--check", action="store_true", help="count only, change nothing")
        parser.add_argument("--by", default="", metavar="NAME", help="the name of the person who archives")

    def handle(self, *, before: datetime, check: bool, by: str, **_: Any) -> None:
        try:
            report = archive(before, actor=by or system_user(), check=check)
        except TooRecentError as error:
            raise CommandError(f"--before: {error}", returncode=NOT_DONE) from None
        verb = "would be archived" if check else "archived"
        self.stdout.write(
            f"{report.orders} orders with {report.operations} operations {verb}, {report.kept} older ones kept."
        )
