"""``manage.py voucher_connect``: exchange a connect PIN for this shop's credentials, or end their validity."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.api import ClientCredentials
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.connection import account_settings, voucher_cloud
from voucher_payment_gateway.exceptions import CredentialsError
from voucher_payment_gateway.management.connect import (
    ConnectError,
    address_of,
    as_environment,
    as_settings,
    exchange,
    new_file,
)
from voucher_payment_gateway.management.disconnect import DisconnectError, disconnect

WARNING = """\
This disconnects the client {client_id} at {address}.
All its credentials are reset, for every process that uses them: no voucher can pay, no payment can be captured or
refunded, and voucher_settle cannot finish what is open. To go on, connect again with a new PIN."""


class Command(BaseCommand):
    """Print the settings to store, or write them to a file that only its owner can read."""

    help = (
        "Exchange a connect PIN of the Voucher Cloud's admin interface for this shop's credentials, or disconnect "
        "this shop, which resets them."
    )
    requires_system_checks = ()  # this command gets the settings that the checks require

    def add_arguments(self, parser: ArgumentParser) -> None:
        direction = parser.add_mutually_exclusive_group(required=True)
        direction.add_argument("pin", nargs="?", help="the PIN; it is valid for 30 minutes and works once")
        direction.add_argument(
            "--disconnect", action="store_true", help="reset the credentials of the settings; asks first"
        )
        parser.add_argument(
            "--no-input",
            action="store_false",
            dest="interactive",
            help="disconnect without asking",
        )
        parser.add_argument("--env-file", type=Path, metavar="FILE", help="write a file of mode 0600 instead")
        parser.add_argument("--force", action="store_true", help="replace the file if it exists")
        parser.add_argument(
            "--environment",
            choices=["production", "sandbox", "local"],
            default="",
            help="overrides ENVIRONMENT of the settings",
        )

        parser.add_argument(
            "--account",
            default="",
            metavar="NAME",
            help="for this merchant account of ACCOUNTS, also a new one",
        )

    def handle(
        self,
        *,
        pin: str | None,
        env_file: Path | None,
        force: bool,
        environment: str,
        interactive: bool,
        account: str,
        **_: Any,
    ) -> None:
        if pin is None:
            if env_file or force or environment:
                raise CommandError(
                    "--disconnect uses the settings: its only other options are --no-input and --account."
                )
            self._disconnect(interactive, account)
            return
        try:
            address = address_of(environment, account)
            if env_file:
                self._into_file(pin, address, env_file, force, account)
            else:
                self._show(exchange(pin, address), address, account)
        except ConnectError as error:
            raise CommandError(str(error)) from None

    def _disconnect(self, interactive: bool, account: str) -> None:
        try:
            settings = account_settings(account)
            if interactive:
                self._ask(settings)
            disconnect(voucher_cloud(account))
        except (ImproperlyConfigured, CredentialsError, DisconnectError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"The client {settings.CLIENT_ID} is disconnected and its credentials are void. To connect again, take a "
            "new PIN in the admin interface and run voucher_connect with it."
        )

    def _ask(self, settings: GatewaySettings) -> None:
        self.stdout.write(WARNING.format(client_id=settings.CLIENT_ID, address=settings.base_url))
        try:
            answer = input("Type 'yes' to disconnect: ")
        except EOFError:
            raise CommandError("Nobody answered: the client is still connected. Use --no-input.") from None
        if answer != "yes":
            raise CommandError("The client is still connected.")

    def _into_file(self, pin: str, address: GatewaySettings, target: Path, force: bool, account: str) -> None:
        with new_file(target, replace=force) as file:
            credentials = exchange(pin, address)
            try:
                file.write(as_environment(credentials, address, account))
            except OSError as error:
                self._show(credentials, address, account)
                raise CommandError(
                    f"{target} could not be written ({error.strerror}), so the credentials stand above."
                ) from None
        self.stdout.write(f"The credentials of client {credentials.id} are in {target}, for its owner alone.")

    def _show(self, credentials: ClientCredentials, address: GatewaySettings, account: str) -> None:
        place = 'VOUCHER_PAYMENT_GATEWAY["ACCOUNTS"]' if account else "VOUCHER_PAYMENT_GATEWAY"
        self.stdout.write(f"Settings of client {credentials.id}, for {place}:\n")
        self.stdout.write(as_settings(credentials, address, account))
        self.stdout.write(
            "\nStore the secret where you keep your other secrets, now: nobody knows whether it can be shown again. "
            "Do not commit it."
        )
