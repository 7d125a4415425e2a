"""Every crash point × story × fault, by SIGKILL of a real process: then restart, settle, and count every cent.

CI plays every cell; elsewhere one in ten, or as ``KILL_ONE_IN`` says. Before a release: ``make kill`` plays every cell
on both databases.
"""

import os
import subprocess
import sys
from collections import defaultdict

import pytest

from tests.docs.pages import page, rows, section
from tests.kill.planted import BUGS
from tests.kill.points import NAMES, PLACES, Passing
from tests.kill.reaper import ENDS
from tests.kill.run import play_all

ONE_IN = int(os.environ.get("KILL_ONE_IN") or (1 if os.environ.get("REQUIRE_ALL_PARTS") else 10))
ONE_IN_ON_POSTGRESQL = max(ONE_IN, 10)
"""No multiple of the number of faults, so that the sample has all of them."""


def by_point(records):
    cells = defaultdict(list)
    for record in records:
        cells[record["point"]].append(record)
    return cells


def problems(records):
    return [
        f"python -m tests.kill.cell {each['cell']}: {each['problems']}"
        for each in records
        if each["problems"]
    ]


@pytest.fixture(scope="module")
def matrix():
    """Every cell on SQLite, by crash point."""
    return by_point(play_all(f"--one-in={ONE_IN}", database_url="sqlite:"))


@pytest.mark.parametrize("point", NAMES)
def test_no_cent_is_lost_by_a_process_that_is_killed_at(point, matrix):
    assert matrix[point] or ONE_IN > 1
    assert problems(matrix[point]) == []


@pytest.mark.parametrize("end", ENDS)
def test_no_cent_is_lost_on_postgresql_by_a_process_that_is(end, postgres_url):
    options = (f"--one-in={ONE_IN_ON_POSTGRESQL}", f"--end={end}")
    sample = by_point(play_all(*options, database_url=postgres_url))
    assert len(sample) > len(NAMES) // 2
    assert problems(record for records in sample.values() for record in records) == []


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug):
    played = subprocess.run([sys.executable, "-m", "tests.kill.planted", bug], capture_output=True, text=True)
    assert (played.returncode, played.stderr) == (1, ""), played.stderr
    assert "booked" in played.stdout


def test_the_points_are_numbered_without_a_gap():
    assert [f"K{number + 1}" for number in range(len(NAMES))] == NAMES
    assert len(PLACES) >= len(NAMES)


def test_the_table_in_the_documentation_has_every_point():
    table = section(page("explanation/money-safety.md"), "Crash points")
    assert [cells[0] for cells in rows(table)] == NAMES


def test_a_point_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="K99 is no crash point"):
        Passing.read("K99")
    assert str(Passing.read("K4.2")) == "K4.2"
