"""``manage.py voucher_settle``: finish operations that are due, abandoned or unknown."""

import signal
from argparse import ArgumentParser
from dataclasses import asdict
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway import gateway

MAX_PAUSE_SECONDS = 24 * 3600
"""A longer pause is taken for a mistake: nothing would be settled meanwhile."""


class Command(BaseCommand):
    """Runs ``gateway.settle`` once, or repeatedly until a signal stops it."""

    help = "Finish gift voucher operations that are due, were abandoned, or have an unknown outcome."

    def add_arguments(self, parser: ArgumentParser) -> None:
        how_often = parser.add_mutually_exclusive_group()
        how_often.add_argument("--once", action="store_true", help="run once (the default)")
        how_often.add_argument(
            "--every", type=float, metavar="SECONDS", help="repeat, with this pause between runs"
        )
        parser.add_argument("--limit", type=int, default=100, help="maximum operations of each kind per run")

    def handle(self, *, every: float | None, limit: int, **_: Any) -> None:
        if limit < 1 or (every is not None and not 0 < every <= MAX_PAUSE_SECONDS):
            raise CommandError("--limit and --every must be above zero, and --every a day at most.")
        stop = _stop_on_signal() if every else Event()
        while True:
            report = gateway.settle(limit, stop=stop.is_set)
            self.stdout.write(", ".join(f"{name} {count}" for name, count in asdict(report).items()))
            if not every or stop.wait(every):
                return


def _stop_on_signal() -> Event:
    """Stop after the operation in progress."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
