"""``manage.py voucher_payment_rows``: bring the rows of django-payments into step with the gateway's ledger."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from voucher_payment_gateway.hosts.django_payments import rows


class Command(BaseCommand):
    """For rows that a killed process left behind: the money had moved, and the row does not say so yet."""

    help = "Bring Payment rows into step with what gift vouchers were charged. Moves no money."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--hours", type=int, default=72, help="look at rows whose vouchers changed in the last HOURS"
        )

    def handle(self, *, hours: int, **_: Any) -> None:
        if hours < 1:
            raise CommandError("--hours must be above zero.")
        changed = rows.bring_all_into_step(timezone.now() - timedelta(hours=hours))
        self.stdout.write(f"changed {changed}")
