"""``manage.py voucher_sandbox``: the local Voucher Cloud, for development and tests."""

import sys
from argparse import REMAINDER, ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.sandbox.__main__ import main


class Command(BaseCommand):
    """Same as ``python -m voucher_payment_gateway.sandbox``, on loopback only."""

    help = "Start the local Voucher Cloud on loopback. Options: --port, --state FILE, --behaviour NAME."
    requires_system_checks = ()  # it serves a shop whose settings are not complete yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("options", nargs=REMAINDER, help="options of the local Voucher Cloud")

    def handle(self, *, options: list[str], **_: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The local Voucher Cloud is for development: it starts only with DEBUG on.")
        sys.exit(main(options))
