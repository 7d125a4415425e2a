"""A table in Markdown, and the state of the machine that it was measured on."""

import argparse
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence

import django

__all__ = ["BUSY", "main", "printed", "state"]

ROUNDS = 200
BUSY = 0.75
"""Processes that run or wait to run, for each core, from which on a machine counts as busy with other work."""

Rows = Callable[[int], Iterable[Sequence[object]]]


def main(about: str | None, header: Sequence[str], rows: Rows, rounds: int = ROUNDS) -> None:
    """Print the table that ``rows`` yields for the rounds of the command line."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds)
    given = parser.parse_args().rounds
    before = state(given)
    for line in printed(header, rows(given)):
        print(line, flush=True)
    print(f"\n{before}")


def printed(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of the table as they are measured."""
    yield _line(header)
    yield _line(["---"] * len(header))
    for row in rows:
        yield _line(row)


def state(rounds: int) -> str:
    """Return a sentence about the machine before the measurement."""
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    busy = "; busy with other work, which makes these figures worse" if load > BUSY * cores else ""
    versions = f"Python {platform.python_version()}, Django {django.get_version()}"
    return f"{rounds} rounds, {cores} cores, load {load:.1f} before{busy}; {versions}."


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


