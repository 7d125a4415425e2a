"""``manage.py voucher_walkthrough``: the official guide, step by step, against the configured environment."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.connection import account_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.management.sandbox_only import SandboxOnlyError, require_sandbox
from voucher_payment_gateway.management.walkthrough import WrongFigureError, walk


class Command(BaseCommand):
    """Exit code 0 only if every figure is right."""

    help = (
        "Create, activate, reserve, charge, refund and recharge a voucher, then do the same as a shop does, and check "
        "every figure to the cent. Never against production."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pin", default="", help="a connect PIN; the local Voucher Cloud issues its own")

        parser.add_argument(
            "--account", default="", metavar="NAME", help="use the credentials of this account of ACCOUNTS"
        )

    def handle(self, *, pin: str, account: str, **_: Any) -> None:
        try:
            settings = account_settings(account)
            require_sandbox(settings, "The walkthrough")
            for step in walk(settings, pin, account):
                self.stdout.write(f"{self.style.SUCCESS('ok')}  {step}")
        except SandboxOnlyError as error:
            raise CommandError(str(error)) from None
        except (WrongFigureError, VoucherGatewayError) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        self.stdout.write(self.style.SUCCESS("Every figure is right."))
