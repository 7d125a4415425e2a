"""``manage.py voucher_sandbox``: the local Voucher Cloud, for development and tests."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.sandbox.__main__ import main


class Command(BaseCommand):
    """Same as ``python -m voucher_payment_gateway.sandbox``, on loopback only."""

    help = "Start the local Voucher Cloud on loopback."
    requires_system_checks = ()  # a shop may start it before its settings are complete

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8900, help="0: a free one (default: %(default)s)")
        parser.add_argument("--state", metavar="FILE", help="store the state in this JSON file")
        parser.add_argument("--behaviour", choices=["documented", "hostile", "lenient"], default="documented")
        parser.add_argument("--seed-demo", action="store_true", help="add demo vouchers")

    def handle(self, *, port: int, state: str | None, behaviour: str, seed_demo: bool, **_: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The local Voucher Cloud is for development: it starts only with DEBUG on.")
        options = ["--port", str(port), "--behaviour", behaviour]
        options += ["--state", state] if state else []
        options += ["--seed-demo"] if seed_demo else []
        sys.exit(main(options))
