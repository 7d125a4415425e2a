"""``manage.py voucher_oscar_sources``: bring Oscar's payment sources into step with the gateway's ledger."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from voucher_payment_gateway.hosts.oscar import sources


class Command(BaseCommand):
    """For sources that a killed process left behind: the money had moved, and Oscar's records do not say so yet."""

    help = "Bring payment sources into step with what gift vouchers were charged. Moves no money."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--hours", type=int, default=72, help="look at orders whose vouchers changed in the last HOURS"
        )

    def handle(self, *, hours: int, **_: Any) -> None:
        if hours < 1:
            raise CommandError("--hours must be above zero.")
        changed = sources.record_all(timezone.now() - timedelta(hours=hours))
        self.stdout.write(f"changed {changed}")
