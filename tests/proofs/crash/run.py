"""The kill matrix: ``python -m tests.proofs.crash.run`` plays every case, and counts the wrong ones.

A case is a crash point, a scenario that passes it, a fault of the remote side, and whether the shop retries after the
restart. With ``--end cut_off`` the process is not killed but loses its database (PostgreSQL). ``--database-url`` names
another database than SQLite. A point that a process passes often is tried the first, second and last time, or with
``--every-passing`` each time.

``--one-in 7`` plays a sample: every seventh pair of a scenario and a fault, without the fault where it never occurs,
and of each pair every ninth crash point, either with the retry or without, in turn. Up to the number of faults (seven)
no scenario is left out: each begins with another fault.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from time import monotonic
from typing import Any

from tests.proofs.crash.case import FAULTS, Case, Result, observed, passings, play, rehearse
from tests.proofs.crash.forkserver import Forkserver
from tests.proofs.crash.killer import ENDS
from tests.proofs.crash.points import NAMES, REQUEST_SENT, Passing, place_name
from tests.proofs.crash.scenarios import SCENARIOS
from tests.proofs.crash.world import world

__all__ = ["pairs", "play_all"]

SELDOM = {"K18", "K22", "K25", "K26", "K27"}
"""The points that few scenarios pass."""

Record = dict[str, Any]
"""A case that was played: its text, its crash point, and what is wrong."""


def play_all(*options: str, database_url: str = "", workers: int = 0) -> Iterator[Record]:
    """Play the matrix in several processes, and yield each case as it is done.

    Raises RuntimeError where a process ends early.
    """
    workers = workers or (os.cpu_count() or 1) + 1  # one more than processors: a worker waits now and then
    environment = {**os.environ, **({"DATABASE_URL": database_url} if database_url else {})}
    reading, writing = os.pipe()  # shared by all workers: a line is written atomically
    parts = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.proofs.crash.run", *options, "--part", f"{part}/{workers}"],
            stdout=writing,
            env=environment,
        )
        for part in range(workers)
    ]
    os.close(writing)
    try:
        with os.fdopen(reading) as lines:
            yield from map(json.loads, lines)
        if any(part.wait() for part in parts):
            raise RuntimeError("a worker of the kill matrix ended early")
    finally:
        for part in parts:
            part.terminate()
            part.wait()


def pairs(one_in: int) -> list[tuple[str, str]]:
    """Return every ``one_in``-th pair of a scenario and a fault; each scenario begins with another fault."""
    faults = [*FAULTS]
    every = [
        (scenario, faults[(first + number) % len(faults)])
        for first, scenario in enumerate(SCENARIOS)
        for number in range(len(faults))
    ]
    return every[::one_in]


def _play_part(part: str, one_in: int, every_passing: bool, only: str, end: str) -> None:
    """Play the cases of this process, and print a line for each."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # run the clean-up
    mine, workers = map(int, part.split("/"))
    sample = pairs(one_in)
    with world() as forkserver:
        rehearse(forkserver)
        chosen = [(number, pair) for number, pair in enumerate(sample) if only in ("", pair[0])]
        for number, (scenario, fault) in chosen[mine::workers]:
            passed = passings(forkserver, scenario, fault)
            if not passed and (scenario, "none") not in sample:
                fault, passed = "none", passings(forkserver, scenario, "none")
            cases = _cases(scenario, fault, passed, every_passing, end)
            for case in _thinned(cases, number, [*FAULTS].index(fault)) if one_in > 1 else cases:
                _play(forkserver, case)


def _play(forkserver: Forkserver, case: Case) -> None:
    """Play a case and print its line; none where a slow run alone passes the point: an answer that a busy machine holds
    up is looked for once more."""
    result = play(forkserver, case)
    if result.has_come or case.crash_at in passings(forkserver, case.scenario, case.fault):
        _tell(result)


def _list_points() -> None:
    """Print the points that the scenarios pass without a fault, each with its place and what was being done there."""
    with world() as forkserver:
        found = [observed(forkserver, scenario, "none") for scenario in SCENARIOS]
    lines = {f"{place_name(each.place)} {each.deed}".rstrip() for passed, _ in found for each in passed}
    lines |= {REQUEST_SENT} if any(requests for _, requests in found) else set()
    print(*sorted(lines), sep="\n")


def _cases(scenario: str, fault: str, passed: list[Passing], every_passing: bool, end: str) -> Iterator[Case]:
    last = Counter(passing.point for passing in passed)
    for passing in passed:
        if end != "killed" and passing.point == REQUEST_SENT:
            continue  # the same as being cut off just before
        if every_passing or passing.time in (1, 2, last[passing.point]):
            for again in (False, True) if SCENARIOS[scenario].retries else (False,):
                yield Case(scenario, passing, fault, again, end)


def _thinned(cases: Iterator[Case], number: int, turn: int) -> list[Case]:
    """Return every ninth crash point of a pair in a sample, from a place that its ``number`` decides, and each that
    few scenarios pass: with the retry and without it in turn, where there are both."""
    points = [[*of_point] for _, of_point in groupby(cases, lambda case: case.crash_at)]
    in_turn = [choice[(turn + place) % len(choice)] for place, choice in enumerate(points)]
    kept = [
        case for place, case in enumerate(in_turn) if place % 9 == number % 9 or case.crash_at.point in SELDOM
    ]
    return kept or in_turn[:1]


def _tell(result: Result) -> None:
    record = {"case": str(result.case), "point": result.case.crash_at.point, "problems": result.problems}
    os.write(sys.stdout.fileno(), json.dumps(record).encode() + b"\n")  # unbuffered, so that a line is whole


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.crash.run", description=__doc__)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--one-in", type=int, default=1)
    parser.add_argument("--every-passing", action="store_true")
    parser.add_argument("--scenario", default="", choices=["", *SCENARIOS])
    parser.add_argument("--end", default="killed", choices=ENDS)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="list the points that the scenarios pass")
    asked = parser.parse_args()
    if asked.list:
        _list_points()
        return 0
    if asked.part:
        _play_part(asked.part, asked.one_in, asked.every_passing, asked.scenario, asked.end)
        return 0
    began, played = monotonic(), Counter[str]()
    wrong = 0
    options = [f"--one-in={asked.one_in}", f"--scenario={asked.scenario}", f"--end={asked.end}"]
    options += ["--every-passing"] if asked.every_passing else []
    for record in play_all(*options, database_url=asked.database_url, workers=asked.workers):
        played[record["point"]] += 1
        if record["problems"]:
            wrong += 1
            print(
                f"python -m tests.proofs.crash.case {record['case']}",
                *record["problems"],
                sep="\n  ",
                flush=True,
            )
    print(", ".join(f"{point}: {played[point]}" for point in NAMES))
    print(f"kill matrix: {played.total()} cases, {wrong} wrong, {monotonic() - began:.0f} s")
    return 1 if wrong or not played else 0


if __name__ == "__main__":
    sys.exit(main())
