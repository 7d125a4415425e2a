"""A discrete-event loop: a process is a generator that yields the seconds until its next step."""

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from typing import Any

__all__ = ["Loop", "Process"]

Process = Generator[float, None, Any]


class Loop:
    """Runs events in the order of time. ``before_step`` may crash a process (None) or delay it (seconds)."""

    def __init__(self, before_step: Callable[[], float | None]) -> None:
        self.now = 0.0
        self._before_step = before_step
        self._count = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, instant: float, do: Callable[[], None]) -> None:
        """Schedule an event, which happens even if the process that schedules it crashes."""
        self._count += 1
        heappush(self._due, (instant, self._count, do))

    def spawn(self, process: Process, instant: float) -> None:
        """Start a process at an instant."""
        self.at(instant, lambda: self._step(process))

    def run(self, until: float) -> None:
        """Run all events up to an instant."""
        due = self._due
        while due and due[0][0] <= until:
            self.now, _, do = heappop(due)
            do()
        self.now = until

    def _step(self, process: Process) -> None:
        pause = next(process, None)
        if pause is None:
            return
        delay = self._before_step()
        if delay is not None:
            self.at(self.now + pause + delay, lambda: self._step(process))
