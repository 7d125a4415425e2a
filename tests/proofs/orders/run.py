"""Many days in a row: ``python -m tests.proofs.orders.run --days 20000 [--first N] [--processes 2]``."""

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import monotonic

from tests.proofs.orders.day import play

__all__ = ["play_many"]

BATCH = 250
FIGURES = (
    "days",
    "orders",
    "shipped",
    "calls",
    "sweeps",
    "collected otherwise",
    "till charges",
    "crashes",
    "restores",
    "deleted",
    "unpaid and told",
    "unpaid in silence",
    "paid twice",
    "given back twice",
    "refused without reason",
)


def play_many(first: int, days: int) -> tuple[list[str], Counter[str]]:
    """Play the days of ``days`` seeds from ``first``; return the wrong ones, and the figures of all."""
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    for seed in range(first, first + days):
        result = play(seed)
        seen.update(result.seen)
        if result.is_wrong:
            wrong.append(str(result))
    return wrong, seen


def play_on(processes: int, first: int, days: int) -> tuple[list[str], Counter[str]]:
    """Do the same in several processes."""
    starts = range(first, first + days, BATCH)
    sizes = [min(BATCH, first + days - start) for start in starts]
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for of_batch, seen_in_batch in pool.map(play_many, starts, sizes):
            wrong += of_batch
            seen.update(seen_in_batch)
    return wrong, seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.orders.run", description=__doc__)
    parser.add_argument("--days", type=int, default=20000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    began = monotonic()
    wrong, seen = play_on(asked.processes, asked.first, asked.days)
    print(*wrong, sep="\n")
    for what in FIGURES:
        print(f"{seen[what]:9} {what}")
    seconds = monotonic() - began
    print(f"{asked.days} days, {len(wrong)} wrong, {seconds:.1f} s, {asked.days / seconds:.0f} days a second")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
