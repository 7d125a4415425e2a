"""Many processes on one clock: each is a generator that yields the seconds until its next step."""

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from typing import Any

__all__ = ["Loop", "Process"]

Process = Generator[float, None, Any]


class Loop:
    """Runs what is due, in the order of time. ``before_step`` may lose a process (None) or delay it."""

    def __init__(self, before_step: Callable[[], float | None]) -> None:
        self.now = 0.0
        self._before_step = before_step
        self._count = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, instant: float, do: Callable[[], None]) -> None:
        """Do something at an instant, whatever becomes of the process that asks for it."""
        self._count += 1
        heappush(self._due, (instant, self._count, do))

    def spawn(self, process: Process, instant: float) -> None:
        """Let a process begin at an instant."""
        self.at(instant, lambda: self._step(process))

    def run(self, until: float) -> None:
        """Do all that is due before an instant."""
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
