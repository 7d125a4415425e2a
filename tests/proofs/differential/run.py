"""Many schedules in a row: ``python -m tests.proofs.differential.run --schedules 200 [--first N] [--processes 2]``."""

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import monotonic

from tests.proofs.differential.compare import compared
from tests.proofs.differential.schedule import drawn

__all__ = ["compare_many"]

BATCH = 500


def compare_many(first: int, schedules: int) -> tuple[list[str], Counter[str]]:
    """Compare the schedules of ``schedules`` seeds from ``first``; return those that differ, and what was seen."""
    differing: list[str] = []
    seen: Counter[str] = Counter()
    for seed in range(first, first + schedules):
        comparison = compared(drawn(seed))
        seen += comparison.shipped.seen
        if comparison.problems:
            differing.append(str(comparison))
    return differing, seen


def _compare_batch(first: int, schedules: int) -> tuple[list[str], Counter[str]]:
    """The same, on a database of its own."""
    from tests.proofs.storm.bench import database

    with database():
        return compare_many(first, schedules)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.differential.run", description=__doc__)
    parser.add_argument("--schedules", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    began, differ = monotonic(), 0
    starts = range(asked.first, asked.first + asked.schedules, BATCH)
    sizes = [min(BATCH, asked.first + asked.schedules - start) for start in starts]
    seen: Counter[str] = Counter()
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        for differing, seen_in_batch in pool.map(_compare_batch, starts, sizes):
            print(*differing, sep="\n", end="\n" * bool(differing), flush=True)
            differ += len(differing)
            seen += seen_in_batch
    for what, count in sorted(seen.items()):
        print(f"{count:8} {what}")
    print(f"{asked.schedules} schedules, {differ} differ, {monotonic() - began:.1f} s")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
