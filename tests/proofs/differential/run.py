"""Many schedules in a row: ``python -m tests.proofs.differential.run --schedules 200 [--first N]``."""

import argparse
import sys
from collections import Counter
from time import monotonic

from tests.proofs.differential.compare import Comparison, compared
from tests.proofs.differential.schedule import drawn

__all__ = ["compare_many"]


def compare_many(first: int, schedules: int) -> tuple[list[Comparison], Counter[str]]:
    """Compare the schedules of ``schedules`` seeds from ``first``; return those that differ, and what was seen."""
    differing: list[Comparison] = []
    seen: Counter[str] = Counter()
    for seed in range(first, first + schedules):
        comparison = compared(drawn(seed))
        seen += comparison.seen
        if comparison.problems:
            differing.append(comparison)
    return differing, seen


def main() -> int:
    from tests.proofs.storm.bench import database

    parser = argparse.ArgumentParser(prog="python -m tests.proofs.differential.run", description=__doc__)
    parser.add_argument("--schedules", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    began = monotonic()
    with database():
        differing, seen = compare_many(asked.first, asked.schedules)
    print(*differing, sep="\n")
    print(*(f"{count:8} {what}" for what, count in sorted(seen.items())), sep="\n")
    print(f"{asked.schedules} schedules, {len(differing)} differ, {monotonic() - began:.1f} s")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
