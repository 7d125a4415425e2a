"""Acts that are compared take turns in one run, so that their ratio means the same on every machine."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

__all__ = ["Prepare", "Spread", "Timing", "alternate", "ms", "ratio", "spread", "timed"]

WARM_UP = 3

Prepare = Callable[[], Callable[[], object]]
"""Prepares one act, which is not measured, and returns the act, which is."""


class Timing(NamedTuple):
    """Seconds of one act: on the wall, and of the processor in this process, all of its threads."""

    wall: float
    cpu: float


class Spread(NamedTuple):
    """A median between its quartiles."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def timed(act: Callable[[], object]) -> Timing:
    """Return the seconds that ``act`` takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu)


def alternate(acts: Mapping[str, Prepare], rounds: int, warm_up: int = WARM_UP) -> dict[str, list[Timing]]:
    """Return the timings of each act, one for each round. Another one begins each round: none is always the first."""
    names = list(acts)
    timings: dict[str, list[Timing]] = {name: [] for name in names}
    for number in range(-warm_up, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            timing = timed(acts[name]())
            if number >= 0:
                timings[name].append(timing)
    return timings


def spread(values: Iterable[float]) -> Spread:
    """Return the median and the quartiles."""
    found = list(values)
    return Spread(*(found * 3 if len(found) == 1 else statistics.quantiles(found, n=4, method="inclusive")))


def ratio(ours: Iterable[Timing], theirs: Iterable[Timing], what: str = "wall") -> Spread:
    """Return the ratio of each round's ``wall`` or ``cpu``, as median and quartiles."""
    pairs = zip(ours, theirs, strict=True)
    return spread(getattr(one, what) / getattr(other, what) for one, other in pairs)


def ms(timings: Iterable[Timing], what: str = "wall") -> Spread:
    """Return the milliseconds as median and quartiles."""
    return spread(1000 * getattr(each, what) for each in timings)
