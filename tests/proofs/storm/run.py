"""Many days in a row: ``python -m tests.proofs.storm.run --days 10000 [--first 0]``."""

import argparse
import sys
from collections import Counter
from time import monotonic

from tests.proofs.storm.bench import database
from tests.proofs.storm.day import Result, play
from tests.proofs.storm.emphasis import NO_EMPHASIS, Emphasis

__all__ = ["play_many"]


def play_many(first: int, days: int, emphasis: Emphasis = NO_EMPHASIS) -> tuple[list[Result], Counter[str]]:
    """Play the days of ``days`` seeds from ``first``; return the wrong ones, and the figures of all."""
    wrong: list[Result] = []
    seen: Counter[str] = Counter()
    for seed in range(first, first + days):
        result = play(seed, emphasis)
        seen += result.seen
        if result.problems:
            wrong.append(result)
    return wrong, seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.storm.run", description=__doc__)
    parser.add_argument("--days", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    began = monotonic()
    with database():
        wrong, seen = play_many(asked.first, asked.days)
    for result in wrong:
        print(result)
    for what, count in sorted(seen.items()):
        print(f"{count:8} {what}")
    print(f"{asked.days} days, {len(wrong)} wrong, {monotonic() - began:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
