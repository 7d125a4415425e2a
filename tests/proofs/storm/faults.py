"""Faults on our side: crashes, database failures, frozen workers and slow requests.

Faults of the remote side are drawn by the local Voucher Cloud itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import django.db

__all__ = ["Crash", "FaultInjector"]


class Crash(BaseException):
    """Ends the simulated process."""


@dataclass
class FaultInjector:
    """Injects faults at given rates. ``meanwhile`` runs the other workers while one is frozen."""

    random: Random
    crash_rate: float
    locked_rate: float
    freeze_rate: float
    meanwhile: Callable[[float], None]
    seen: Counter[str]
    doubled_rate: float = 0.0
    """The rate at which an intermediary duplicates a request."""
    mail_rate: float = 0.1
    """The rate at which the mail server refuses a mail."""
    doubled: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Duplicated requests: charges by their order number, refunds by their charge."""
    answered: set[str] = field(default_factory=set)
    """The ids of the bookings whose answer reached a worker that did not crash before recording it."""

    def stop(self) -> None:
        """Inject no more faults."""
        self.crash_rate = self.locked_rate = self.freeze_rate = self.doubled_rate = self.mail_rate = 0.0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inject nothing for a moment: the day itself reads, not the shop."""
        before = self.crash_rate, self.locked_rate
        self.crash_rate = self.locked_rate = 0.0
        try:
            yield
        finally:
            self.crash_rate, self.locked_rate = before

    @property
    def failures(self) -> int:
        """The number of crashes and database failures so far."""
        return sum(self.seen[what] for what in ("crash", "locked", "commit unanswered"))

    def happens(self, what: str, rate: float) -> bool:
        """Draw whether the fault ``what`` happens now, and count it."""
        if not rate or self.random.random() >= rate:
            return False
        self.seen[what] += 1
        return True

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Run a statement of the shop's database, or fail before or after it took effect."""
        writes = sql.startswith(("INSERT", "UPDATE"))
        if not writes and not sql.startswith("SELECT"):
            return execute(sql, params, many, context)
        if self.happens("locked", self.locked_rate if writes else self.locked_rate / 8):
            raise django.db.OperationalError("database is locked")
        if writes:
            self.may_crash()
        result = execute(sql, params, many, context)
        if writes:
            self.may_crash()
            atomic = context["connection"].in_atomic_block
            if not atomic and self.happens("commit unanswered", self.locked_rate / 2):
                raise django.db.OperationalError("server closed the connection unexpectedly")
        return result

    def may_crash(self) -> None:
        """Crash, at the given rate."""
        if self.happens("crash", self.crash_rate):
            raise Crash

    def may_freeze(self, choices: tuple[float, ...]) -> None:
        """Freeze at the given rate, for a number of seconds drawn from ``choices``."""
        if self.happens("freeze", self.freeze_rate):
            self.meanwhile(self.random.choice(choices))
