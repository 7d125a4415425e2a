"""A sample of the kill matrix: crash point × scenario × fault, by SIGKILL of a real process, then restart and settle.

Every case on SQLite is ``make kill-sqlite``, of which CI plays a part; every case on both databases is ``make kill``.
"""

import os
import re
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT, page, rows, section
from tests.proofs.crash.case import FAULTS
from tests.proofs.crash.killer import ENDS
from tests.proofs.crash.mutants import MUTANTS
from tests.proofs.crash.points import NAMES, PLACES, REQUEST_SENT, Passing, place_name
from tests.proofs.crash.run import pairs, play_all
from tests.proofs.crash.scenarios import SCENARIOS
from tests.proofs.planted import sample_of

ONE_IN = int(os.environ.get("KILL_ONE_IN") or 150)
ONE_IN_ON_POSTGRESQL = int(os.environ.get("KILL_ONE_IN") or 150)
"""No multiples of the number of faults, so that the samples have several of them."""

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


def test_each_place_of_a_point_and_each_beat_of_each_deed_is_passed_by_a_scenario():
    played = subprocess.run(
        [sys.executable, "-m", "tests.proofs.crash.run", "--list"], capture_output=True, text=True, check=True
    )
    passed = played.stdout.splitlines()
    places = [*map(place_name, PLACES), REQUEST_SENT]
    assert [each for each in places if not any(f"{line} ".startswith(f"{each} ") for line in passed)] == []
    wanted = {deed: {*BEATS, *DOUBTS} for deed in DEEDS} | {"cancel of a payment": {*BEATS}}
    for deed, points in wanted.items():
        assert points - {line.split()[0] for line in passed if line.endswith(f" {deed}")} == set(), deed


def test_every_mark_in_the_package_is_the_place_of_a_point():
    """None stands at the end of a line, before the same line as another, or outside of ``gateway``."""
    package = [path.read_text() for path in (ROOT / "voucher_payment_gateway").rglob("*.py")]
    assert sum(len(re.findall(r"# K\d+\b", text)) for text in package) == len(PLACES)


def test_the_sample_that_ci_plays_has_every_scenario_and_every_fault():
    [one_in] = re.findall(r"--one-in (\d+)", (ROOT / ".ci/run").read_text())
    scenarios, faults = zip(*pairs(int(one_in)), strict=True)
    assert {*scenarios} == {*SCENARIOS}
    assert {*faults} == {*FAULTS}


@pytest.mark.parametrize("mutant", sample_of(MUTANTS))
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
