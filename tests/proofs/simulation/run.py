"""Many days in a row: ``python -m tests.proofs.simulation.run --days 20000 [--first N] [--processes 2]``.

With ``--sales`` it is the sales of these days, which have a random stream of their own.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from time import monotonic
from typing import Any

from tests.proofs.simulation.day import play
from tests.proofs.simulation.sales.day import play_sales

__all__ = ["play_many"]

BATCH = 250
FIGURES = (
    "days",
    "operations",
    "calls",
    "faults",
    "crashes",
    "stalls",
    "repeated",
    "till charges",
    "clerk refunds",
    "reviews",
    "manual",
    "foreign",
    "reported",
    "silent",
    "stuck",
    "wrong_cents",
)


SALE_FIGURES = (
    "days",
    "operations",
    "calls",
    "faults",
    "truncated",
    "doubled",
    "crashes",
    "stalls",
    "sales",
    "vouchers",
    "spent",
    "charged over a return",
    "taken back alone",
    "taken back",
    "recharges",
    "fallbacks",
    "reviews",
    "manual",
    "reported",
    "silent",
    "stuck",
    "wrong_vouchers",
    "wrong_cents",
)


def play_many(first: int, days: int, play: Callable[[int], Any] = play) -> tuple[list[str], Counter[str]]:
    """Play the days of ``days`` seeds from ``first``; return the wrong ones, and the figures of all."""
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    for seed in range(first, first + days):
        result = play(seed)
        seen.update(result.seen)
        if result.is_wrong:
            wrong.append(str(result))
    return wrong, seen


def play_on(
    processes: int, first: int, days: int, play: Callable[[int], Any]
) -> tuple[list[str], Counter[str]]:
    """Do the same in several processes."""
    starts = range(first, first + days, BATCH)
    sizes = [min(BATCH, first + days - start) for start in starts]
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for of_batch, seen_in_batch in pool.map(play_many, starts, sizes, repeat(play)):
            wrong += of_batch
            seen.update(seen_in_batch)
    return wrong, seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.simulation.run", description=__doc__)
    parser.add_argument("--days", type=int, default=20000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sales", action="store_true")
    asked = parser.parse_args()
    began = monotonic()
    wrong, seen = play_on(asked.processes, asked.first, asked.days, play_sales if asked.sales else play)
    print(*wrong, sep="\n")
    for what in SALE_FIGURES if asked.sales else FIGURES:
        print(f"{seen[what]:9} {what}")
    seconds = monotonic() - began
    print(f"{asked.days} days, {len(wrong)} wrong, {seconds:.1f} s, {asked.days / seconds:.0f} days a second")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
