"""A sample of the kill matrix: crash point × scenario × fault, by SIGKILL of a real process, then restart and settle.

Every case on SQLite is ``make kill-sqlite``, which CI runs as well; every case on both databases is ``make kill``.
"""

import os
import subprocess
import sys

import pytest

from tests.docs.pages import page, rows, section
from tests.proofs.crash.killer import ENDS
from tests.proofs.crash.mutants import MUTANTS
from tests.proofs.crash.points import NAMES, PLACES, REQUEST_SENT, Passing, place_name
from tests.proofs.crash.run import play_all

ONE_IN = int(os.environ.get("KILL_ONE_IN") or 60)
ONE_IN_ON_POSTGRESQL = int(
    os.environ.get("KILL_ONE_IN") or (20 if os.environ.get("REQUIRE_ALL_PARTS") else 60)
)
"""Not a multiple of the number of faults, so that the sample has all of them."""

WORKERS = 1 if os.environ.get("PYTEST_XDIST_WORKER") else 0
"""One process where pytest-xdist shares the processors already."""


@pytest.fixture
def wrong(figures):
    """Play cases; return the wrong ones, each with the command that replays it."""

    def play(proof, *options, database_url):
        records = list(play_all(*options, database_url=database_url, workers=WORKERS))
        found = [each for each in records if each["problems"]]
        figures(f"kill matrix, sample {proof}", cases=len(records), wrong_cases=len(found))
        assert records
        return [f"python -m tests.proofs.crash.case {each['case']}: {each['problems']}" for each in found]

    return play


def test_no_cent_is_lost_by_a_process_that_is_killed_at_any_point(wrong):
    assert wrong("on SQLite", f"--one-in={ONE_IN}", database_url="sqlite:") == []


@pytest.mark.parametrize("end", ENDS)
def test_no_cent_is_lost_on_postgresql_by_a_process_that_is(end, postgres_url, wrong):
    options = (f"--one-in={ONE_IN_ON_POSTGRESQL}", f"--end={end}")
    assert wrong(f"on PostgreSQL, {end}", *options, database_url=postgres_url) == []


BEATS, DOUBTS = ("K5", "K6", "K7", "K9", "K10", "K11"), ("K16", "K17", "K19", "K20", "K21")
"""The points that each operation passes, and those that each passes whose outcome became unknown."""
DEEDS = [f"{kind} of a payment" for kind in ("charge", "refund", "recharge")]
DEEDS += [f"{kind} of a sale" for kind in ("issue", "activate", "deactivate", "recharge")]
"""The kinds of operations that may become unknown: a recharge of a payment is a rung of ``REFUND_FALLBACK``."""


@pytest.fixture(scope="module")
def passed():
    """The points that the scenarios pass without a fault: each place, and what was being done there."""
    played = subprocess.run(
        [sys.executable, "-m", "tests.proofs.crash.run", "--list"], capture_output=True, text=True, check=True
    )
    return played.stdout.splitlines()


@pytest.mark.parametrize("place", [*map(place_name, PLACES), REQUEST_SENT])
def test_a_scenario_passes(place, passed):
    assert [line for line in passed if f"{line} ".startswith(f"{place} ")]


@pytest.mark.parametrize("deed", [*DEEDS, "cancel of a payment"])
def test_a_scenario_passes_each_beat_of_a(deed, passed):
    done = {line.split()[0] for line in passed if line.endswith(f" {deed}")}
    assert done.issuperset(BEATS)
    assert done.issuperset(DOUBTS) or deed not in DEEDS


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_bug_is_caught(mutant, figures):
    played = subprocess.run(
        [sys.executable, "-m", "tests.proofs.crash.mutants", mutant], capture_output=True, text=True
    )
    assert (played.returncode, played.stderr) == (1, ""), played.stderr
    assert MUTANTS[mutant].said in played.stdout
    figures("planted bugs", caught=(1, 1))


def test_the_points_are_numbered_without_a_gap():
    assert [f"K{number + 1}" for number in range(len(NAMES))] == NAMES
    assert len(PLACES) >= len(NAMES)


def test_the_table_in_the_documentation_has_every_point():
    table = section(page("explanation/proofs.md"), "Crash points")
    assert [cells[0] for cells in rows(table)] == NAMES


def test_a_point_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="K99 is no crash point"):
        Passing.read("K99")
    assert str(Passing.read("K4.2")) == "K4.2"
