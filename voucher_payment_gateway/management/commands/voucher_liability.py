"""``manage.py voucher_liability``: what the vouchers sold still owe, by day and batch."""

from argparse import ArgumentParser, ArgumentTypeError
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.books.days import today
from voucher_payment_gateway.books.liability import (
    FIGURES,
    NoSnapshotError,
    missing_days,
    neighbours,
    snapshot_of,
    take_snapshot,
)
from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.models import VoucherLiability

MISSING = 1
"""Exit code."""


class Command(BaseCommand):
    """Exit code 1 where there is no snapshot of the day."""

    help = (
        "Store and show what the gift vouchers sold owed at the end of yesterday, by batch: run it every night. With "
        "--at, show the figures of that day. A day that was missed is told, never made up. Moves no money."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--at", type=_day, metavar="DATE", help="show the snapshot of this day; write none"
        )

    def handle(self, *, at: date | None, **_: Any) -> None:
        day = at or today() - timedelta(days=1)
        try:
            rows = snapshot_of(day) if at else take_snapshot(day)
        except NoSnapshotError as error:
            raise CommandError(str(error), returncode=MISSING) from None
        if not rows:
            raise CommandError(_missing(day), returncode=MISSING)
        for line in _lines(rows):
            self.stdout.write(line)
        if gap := _days_missed_before(day):
            self.stderr.write(f"No snapshot was taken of the {len(gap)} days from {gap[0]} to {gap[-1]}.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r}: give a date such as 2026-11-22") from None


def _lines(rows: list[VoucherLiability]) -> list[str]:
    totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    lines = []
    for row in filter(lambda each: each.currency, rows):
        sums = {name: getattr(row, name) for name in FIGURES}
        lines.append(f"{row.day} {_name(row)}: {_text(sums, row.currency)}")
        for name, amount in sums.items():
            totals[row.currency][name] += amount
    lines += [f"{rows[0].day} total: {_text(sums, currency)}" for currency, sums in sorted(totals.items())]
    return lines or [f"{rows[0].day}: no gift vouchers sold."]


def _name(row: VoucherLiability) -> str:
    batch = f"batch {row.batch}" if row.batch else "no batch"
    return f"account {row.account}, {batch}" if row.account else batch


def _text(sums: dict[str, Decimal], currency: str) -> str:
    outstanding, breakage = (with_code(sums[name], currency) for name in ("outstanding", "breakage"))
    day = ", ".join(f"{name.replace('_', ' ')} {sums[name]:.2f}" for name in FIGURES[:-2])
    return f"outstanding {outstanding}, of it expired {breakage}; on this day {day}"


def _missing(day: date) -> str:
    before, after = neighbours(day)
    nearest = " and ".join(str(each) for each in (before, after) if each) or "none"
    return f"There is no snapshot of {day}. The nearest: {nearest}."


def _days_missed_before(day: date) -> list[date]:
    before, _ = neighbours(day)
    return missing_days([before, day]) if before else []
