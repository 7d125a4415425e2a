"""``manage.py voucher_settle``: finish operations that are due, abandoned or unknown."""

import signal
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from threading import Event
from typing import Any

import django.db
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from voucher_payment_gateway import gateway
from voucher_payment_gateway.alerts import ALERT_SECONDS
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.docs_url import docs_url
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.gateway.records.instance import adopt as adopt_database
from voucher_payment_gateway.gateway.recovery.settle import deliver_due, remind_due
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.short_memory import is_first

DATABASE_AWAY = (
    "The database cannot be used just now ({}): is it down, restarting, or locked by another session? Nothing is lost: "
    "the next run goes on."
)

Sweep = Callable[[int, Event], dict[str, int]]

MAX_PAUSE_SECONDS = 24 * 3600
"""A longer pause is taken for a mistake: nothing would be settled meanwhile."""


class Command(BaseCommand):
    """Runs ``gateway.settle`` once, or repeatedly until a signal stops it, also while the database is away."""

    help = "Finish gift voucher operations that are due, were abandoned, or have an unknown outcome."

    def add_arguments(self, parser: ArgumentParser) -> None:
        how_often = parser.add_mutually_exclusive_group()
        how_often.add_argument("--once", action="store_true", help="run once (the default)")
        how_often.add_argument(
            "--every", type=float, metavar="SECONDS", help="repeat, with this pause between runs"
        )
        how_often.add_argument(
            "--adopt",
            action="store_true",
            help="settle nothing: state that this database is now that of INSTANCE",
        )
        parser.add_argument("--limit", type=int, default=100, help="maximum operations of each kind per run")
        parser.add_argument(
            "--deliveries",
            action="store_true",
            help="do only this of a run: hand over the codes that are due, and send reminders",
        )

    def handle(self, *, every: float | None, adopt: bool, limit: int, deliveries: bool, **_: Any) -> None:
        if adopt and deliveries:
            raise CommandError("argument --deliveries: not allowed with argument --adopt")
        if adopt:
            self._adopt()
            return
        if limit < 1 or (every is not None and not 0 < every <= MAX_PAUSE_SECONDS):
            raise CommandError("--limit and --every must be above zero, and --every a day at most.")
        stop = _stop_on_signal() if every else Event()
        sweep = _deliver if deliveries else _settle
        while True:
            self._run(sweep, limit, stop, goes_on=bool(every))
            if not every or stop.wait(every):
                return

    def _run(self, sweep: Sweep, limit: int, stop: Event, *, goes_on: bool) -> None:
        try:
            report = sweep(limit, stop)
        except UnavailableError as error:
            self._tell(str(error), goes_on=goes_on)
        except django.db.Error as error:
            problem = DATABASE_AWAY.format(type(error).__name__)
            if is_first("settle.database", ALERT_SECONDS):
                RunningEvents.settle_without_database.log(problem=problem, exception=type(error).__name__)
            self._tell(problem, goes_on=goes_on)
            close_old_connections()  # the next run opens a new one
        else:
            self.stdout.write(", ".join(f"{name} {count}" for name, count in report.items()))

    def _tell(self, problem: str, *, goes_on: bool) -> None:
        """Write the problem, and go on with the next run if there is one."""
        if not goes_on:
            raise CommandError(problem) from None
        self.stderr.write(problem)

    def _adopt(self) -> None:
        """Store ``INSTANCE`` as the name of this database. What is due in it is sent from the next run on."""
        wanted = gateway_settings().INSTANCE
        if not wanted:
            raise CommandError("INSTANCE is not set: set it to the name of this installation first.")
        before = adopt_database()
        self.stdout.write(
            f"This database was that of {before!r}, and is that of {wanted!r} now."
            if before
            else f"This database had no name, and is that of {wanted!r} now."
        )
        self.stdout.write(
            "From now on its due charges and refunds are sent. Had you done the steps of "
            f"{docs_url('how-to/restores-and-copies')} before? If not, stop the workers and do them now: run "
            "voucher_reconcile, then voucher_review."
        )


def _settle(limit: int, stop: Event) -> dict[str, int]:
    return asdict(gateway.settle(limit, stop=stop.is_set))


def _deliver(limit: int, stop: Event) -> dict[str, int]:
    return {
        "delivered": deliver_due(limit, stop=stop.is_set),
        "reminded": remind_due(limit, stop=stop.is_set),
    }


def _stop_on_signal() -> Event:
    """Stop after the operation in progress."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
