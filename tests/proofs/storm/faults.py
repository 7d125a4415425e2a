"""Trouble of our own side: crashes, a database that fails, workers that freeze and requests that dawdle.

What goes wrong at the remote side is drawn by the faults of the local Voucher Cloud itself.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import django.db

__all__ = ["Crash", "Weather"]


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Weather:
    """How often what goes wrong. ``meanwhile`` is what others do while a worker is frozen."""

    random: Random
    crash_rate: float
    locked_rate: float
    freeze_rate: float
    meanwhile: Callable[[float], None]
    seen: Counter[str]
    doubled_rate: float = 0.0
    """How often a box on the way sends a request a second time."""
    doubled: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What was sent a second time: charges by their order number, refunds by their charge."""
    answered: set[str] = field(default_factory=set)
    """The ids of the bookings that a worker was told of and lived to write down."""

    def calm_down(self) -> None:
        """Let nothing go wrong any more."""
        self.crash_rate = self.locked_rate = self.freeze_rate = self.doubled_rate = 0.0

    @property
    def struck(self) -> int:
        """How often a process ended or the database failed so far."""
        return sum(self.seen[what] for what in ("crash", "locked", "commit unanswered"))

    def strikes(self, what: str, rate: float) -> bool:
        """Say whether it happens now, and count it."""
        if not rate or self.random.random() >= rate:
            return False
        self.seen[what] += 1
        return True

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Run a statement of the shop's database, or fail: before, or after it was done."""
        writes = sql.startswith(("INSERT", "UPDATE"))
        if not writes and not sql.startswith("SELECT"):
            return execute(sql, params, many, context)
        if self.strikes("locked", self.locked_rate if writes else self.locked_rate / 8):
            raise django.db.OperationalError("database is locked")
        if writes:
            self.may_crash()
        result = execute(sql, params, many, context)
        if writes:
            self.may_crash()
            atomic = context["connection"].in_atomic_block
            if not atomic and self.strikes("commit unanswered", self.locked_rate / 2):
                raise django.db.OperationalError("server closed the connection unexpectedly")
        return result

    def may_crash(self) -> None:
        """End the process, perhaps."""
        if self.strikes("crash", self.crash_rate):
            raise Crash

    def may_freeze(self, choices: tuple[float, ...]) -> None:
        """Be frozen for one of so many seconds, perhaps."""
        if self.strikes("freeze", self.freeze_rate):
            self.meanwhile(self.random.choice(choices))
