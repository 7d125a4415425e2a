"""``manage.py voucher_connect``: exchange a connect PIN for the credentials of this shop."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.api import ClientCredentials
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.management.connect import (
    ConnectError,
    address_of,
    as_environment,
    as_settings,
    exchange,
    new_file,
)


class Command(BaseCommand):
    """Print the settings to store, or write them to a file that nobody else can read."""

    help = "Exchange a connect PIN of the Voucher Cloud's admin interface for this shop's credentials."
    requires_system_checks = ()  # what the checks ask for is what this command gets

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pin", help="the PIN; it is valid for 30 minutes and works once")
        parser.add_argument("--env-file", type=Path, metavar="FILE", help="write a file of mode 0600 instead")
        parser.add_argument("--force", action="store_true", help="replace the file if it exists")
        parser.add_argument(
            "--environment",
            choices=["production", "sandbox", "local"],
            default="",
            help="in place of ENVIRONMENT",
        )

    def handle(self, *, pin: str, env_file: Path | None, force: bool, environment: str, **_: Any) -> None:
        try:
            address = address_of(environment)
            if env_file:
                self._into_file(pin, address, env_file, force)
            else:
                self._show(exchange(pin, address), address)
        except ConnectError as error:
            raise CommandError(str(error)) from None

    def _into_file(self, pin: str, address: GatewaySettings, target: Path, force: bool) -> None:
        with new_file(target, replace=force) as file:
            credentials = exchange(pin, address)
            try:
                file.write(as_environment(credentials, address))
            except OSError as error:
                self._show(credentials, address)
                raise CommandError(
                    f"{target} could not be written ({error.strerror}), so the credentials stand above."
                ) from None
        self.stdout.write(f"The credentials of client {credentials.id} are in {target}, for its owner alone.")

    def _show(self, credentials: ClientCredentials, address: GatewaySettings) -> None:
        self.stdout.write(f"Settings of client {credentials.id}, for VOUCHER_PAYMENT_GATEWAY:\n")
        self.stdout.write(as_settings(credentials, address))
        self.stdout.write(
            "\nStore the secret where you keep your other secrets, now: nobody knows whether it can be shown again. "
            "Do not commit it."
        )
