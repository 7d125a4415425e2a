"""``manage.py voucher_reseal``: seal stored codes under the first key, so that an older one can be removed."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.management.reseal import Tally, reseal_codes


class Command(BaseCommand):
    """Exit code 1 where an older key is still needed, or no key opens a code."""

    help = "Seal the stored gift voucher codes under the first of SEALING_KEYS. Safe while the shop runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="count only, change nothing")
        parser.add_argument("--batch", type=int, default=500, help="rows per query")

    def handle(self, *, check: bool, batch: int, **_: Any) -> None:
        if batch < 1:
            raise CommandError("--batch must be above zero")
        if not gateway_settings().SEALING_KEYS:
            raise CommandError(f"{NAME}: SEALING_KEYS: no key is set. Nothing was changed.")
        tally = reseal_codes(batch, change=not check)
        self.stdout.write(", ".join(f"{name} {count}" for name, count in asdict(tally).items()))
        if troubles := _troubles(tally):
            raise CommandError(" ".join(troubles))


def _troubles(tally: Tally) -> list[str]:
    found = []
    if tally.unreadable:
        found.append(
            f"{tally.unreadable} stored codes are opened by none of the keys: put the key that sealed them back into "
            "SEALING_KEYS, as the last one, or wait until their payments end."
        )
    if tally.older:
        found.append(
            f"{tally.older} stored codes are sealed under an older key: keep it, and run voucher_reseal."
        )
    return found
