"""``manage.py voucher_probe``: find out how the API behaves where its documentation is silent."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.connection import account_settings
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.management.probe import Probe, SandboxOnlyError
from voucher_payment_gateway.management.probe.findings import api_behaviour, error_meanings, format_line

HOW_TO_SET = (
    "Put both above VOUCHER_PAYMENT_GATEWAY and name them in it: "
    '"API_BEHAVIOUR": API_BEHAVIOUR, "ERROR_MEANINGS": ERROR_MEANINGS'
)


class Command(BaseCommand):
    """Exit code 1 where it may not or cannot run, or where something could not be undone."""

    help = (
        "Try out what is not documented, on small vouchers that are taken back, and print the API_BEHAVIOUR to set. "
        "Against the vendor's sandbox host or the local Voucher Cloud and nowhere else."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="write all that is printed to a file too"
        )

        parser.add_argument(
            "--account", default="", metavar="NAME", help="use the credentials of this account of ACCOUNTS"
        )

    def handle(self, *, output: Path | None, account: str, **_: Any) -> None:
        try:
            settings = account_settings(account)
            probe = Probe(settings)
            if output:
                output.write_text("")  # fails before money moves if it cannot be written
            self._run(probe, settings.base_url, output)
        except VoucherGatewayError as error:
            raise CommandError(f"{error} voucher_doctor says what is wrong.") from None
        except (ImproperlyConfigured, SandboxOnlyError, ValueError, OSError) as error:
            raise CommandError(str(error)) from None
        if probe.left_behind:
            raise CommandError("Not everything could be taken back.")

    def _run(self, probe: Probe, address: str, output: Path | None) -> None:
        lines: list[str] = []

        def say(text: str) -> None:
            lines.append(text)
            self.stdout.write(text, ending="\n")

        say(f"{address}, vouchers of the batch {probe.batch!r}")
        try:
            self._find(probe, say)
        finally:  # also after Ctrl-C
            if probe.kept:
                say(f"\n{probe.kept} inactive vouchers stay: what has bookings cannot be deleted.")
            for sentence in probe.left_behind:
                say(f"Not taken back: {sentence}.")
            if output:
                output.write_text("\n".join(lines) + "\n")

    def _find(self, probe: Probe, say: Callable[[str], None]) -> None:
        findings = []
        for finding in probe.findings():
            findings.append(finding)
            say(format_line(finding))
        say(f"\n{api_behaviour(findings)}")
        say(f"\n{error_meanings(findings)}")
        say(f"\n{HOW_TO_SET}")
