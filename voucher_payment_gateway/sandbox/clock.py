"""The clock of the local Voucher Cloud: aware UTC, which tests can move."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["Clock"]


class Clock:
    """A clock that runs with the system's clock; with ``at`` (aware) it stands still until it is moved.

    Actions scheduled with ``call_at`` run at their instant, while ``advance`` passes it.
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
        """Move the clock by ``seconds`` (negative: back); actions that become due on the way run at their instant."""
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
        """Call ``action`` when the clock reaches ``at``: in ``advance`` or ``run_due``."""
        with self._lock:
            self._alarms.append((_aware(at), action))

    def run_due(self) -> None:
        """Run the actions that are due; the cloud calls this before every request."""
        while self._alarms and (alarm := self._pop_due(self.now())) is not None:
            alarm[1]()

    @property
    def offset_seconds(self) -> float:
        """How far the clock was moved; saved, so that a restart keeps it."""
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
