"""A table in Markdown, and the state of the machine that it was measured on."""

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import django

__all__ = ["main"]

ROUNDS = 200
STATISTICS = Path("/proc/stat")
SLEEP_SECONDS = 0.3
BUSY = 0.2
"""The part of the processors from which on a machine counts as busy with other work."""

Rows = Callable[[int], Iterable[Sequence[object]]]


def main(
    about: str | None, header: Sequence[str], rows: Rows, rounds: int = ROUNDS, *, is_timed: bool = True
) -> None:
    """Print the table that ``rows`` yields for the rounds of the command line, and how busy the machine was."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    given = parser.parse_args().rounds
    before = others()
    for line in printed(header, rows(given)):
        print(line, flush=True)
    print(f"\n{state(given, before, others()) if is_timed else versions()}")


def printed(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of the table as they are measured."""
    yield _line(header)
    yield _line(["---"] * len(header))
    for row in rows:
        yield _line(row)


def state(rounds: int, before: float, after: float) -> str:
    """Return a sentence about the machine: its load, and what other processes took of it before and after."""
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    took = f"other processes took {before:.0%} of them before and {after:.0%} after, load {load:.1f}"
    busy = ": a busy machine, which makes these figures worse" if max(before, after) > BUSY else ""
    return f"{rounds} rounds, {versions()}, {cores} cores; {took}{busy}."


def versions() -> str:
    return f"Python {platform.python_version()}, Django {django.get_version()}"


def others() -> float:
    """Return the part of the processors that is in use while this process sleeps."""
    before = _ticks()
    time.sleep(SLEEP_SECONDS)
    busy, in_all = (now - then for now, then in zip(_ticks(), before, strict=True))
    return busy / max(in_all, 1)


def _ticks() -> tuple[int, int]:
    """Return the ticks of all processors that were busy, and those in all, since the start of the machine."""
    if not STATISTICS.exists():  # no Linux: the load alone is printed
        return 0, 0
    ticks = [int(each) for each in STATISTICS.read_text().split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"
