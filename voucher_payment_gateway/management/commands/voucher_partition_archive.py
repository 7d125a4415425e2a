"""``manage.py voucher_partition_archive``: keep the archive in one partition per month, on PostgreSQL."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections, transaction

from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.management.partitions import partition_statements, plain_statements

NOT_DONE = 2
"""Exit code."""


class Command(BaseCommand):
    """Exit code 2 where the database cannot do it, or the archive is in use."""

    help = (
        "Print the SQL that partitions the archive of gift voucher operations by month, on PostgreSQL. The ledger "
        "itself is never partitioned. Moves no money."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="run the SQL, in one transaction")
        parser.add_argument("--undo", action="store_true", help="make it one table again")

    def handle(self, *, apply: bool, undo: bool, **_: Any) -> None:
        connection = connections[database()]
        if connection.vendor != "postgresql":
            raise CommandError("this needs PostgreSQL. Nothing was changed.", returncode=NOT_DONE)
        statements = (plain_statements if undo else partition_statements)(connection)
        if not statements:
            self.stdout.write("-- nothing to do")
        elif apply:
            _run(statements)
            self.stdout.write(f"{len(statements)} statements were run.")
        else:
            self.stdout.write("".join(f"{each};\n" for each in ("BEGIN", *statements, "COMMIT")))


def _run(statements: list[str]) -> None:
    try:
        with transaction.atomic(using=database(), durable=True), connections[database()].cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except OperationalError as error:
        raise CommandError(
            f"the archive is in use ({type(error).__name__}). Nothing was changed; try again.",
            returncode=NOT_DONE,
        ) from None
