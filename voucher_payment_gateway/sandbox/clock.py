"""The only time the local Voucher Cloud knows: aware UTC, movable by hand."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["Clock"]


class Clock:
    """Tell the time, and move it when asked.

    Without ``at`` the clock runs with the system's clock; with ``at`` (aware) it stands still until it is
    moved. Whatever was asked for with ``call_at`` happens at its instant while ``advance`` passes over it.
    """

    def __init__(self, at: datetime | None = None) -> None:
        self._lock = threading.RLock()
        self._standing_at = None if at is None else _aware(at)
        self._offset = timedelta(0)
        self._alarms: list[tuple[datetime, Callable[[], object]]] = []

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        with self._lock:
            return (self._standing_at or datetime.now(UTC)) + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock by ``seconds`` (negative: back); whatever falls due on the way happens then."""
        left = timedelta(seconds=seconds)
        while (alarm := self._pop_due(self.now() + left)) is not None:
            due_at, action = alarm
            step = max(timedelta(0), due_at - self.now())
            self._shift(step)
            left -= step
            action()
        self._shift(left)

    def set(self, at: datetime) -> None:
        """Move the clock to ``at`` (aware); a running clock runs on from there."""
        with self._lock:
            self._shift(_aware(at) - self.now())

    def call_at(self, at: datetime, action: Callable[[], object]) -> None:
        """Have ``action`` called once the clock has reached ``at``: in ``advance`` or ``run_due``."""
        with self._lock:
            self._alarms.append((_aware(at), action))

    def run_due(self) -> None:
        """Do what has fallen due by itself; the cloud calls this ahead of every request."""
        while self._alarms and (alarm := self._pop_due(self.now())) is not None:
            alarm[1]()

    @property
    def offset_seconds(self) -> float:
        """How far the clock was moved by hand: what a restart has to remember."""
        return self._offset.total_seconds()

    def _shift(self, step: timedelta) -> None:
        with self._lock:
            self._offset += step

    def _pop_due(self, until: datetime) -> tuple[datetime, Callable[[], object]] | None:
        with self._lock:
            due = min(
                (alarm for alarm in self._alarms if alarm[0] <= until), key=lambda a: a[0], default=None
            )
            if due is not None:
                self._alarms.remove(due)
            return due


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("The clock takes aware instants only: give the datetime a timezone.")
    return at.astimezone(UTC)
