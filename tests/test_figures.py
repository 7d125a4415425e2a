"""The printed figures of the proofs are the sums of the counts, also over several processes."""

import pytest

from tests.docs.pages import ROOT
from tests.figures import added_up, lines

pytest_plugins = "pytester"

PROOF = """
import pytest

@pytest.mark.parametrize("days", [100, 250])
def test_days(figures, days):
    figures("storm", days=days, wrong_days=0)
    figures("planted bugs", caught=(1, 1))

def test_that_fails(figures):
    figures("planted bugs", caught=(0, 1))
    assert False

def test_that_counts_nothing():
    pass
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run a separate pytest, with this plugin and without Django."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    unused = ("django", "voucher_payment_gateway", "schemathesis", "hypothesispytest", "playwright")
    without = [option for name in unused for option in ("-p", f"no:{name}")]
    return lambda *options: pytester.runpytest_subprocess("-p", "tests.figures", *without, *options).stdout


@pytest.mark.parametrize("processes", [[], ["-n2"]], ids=["one process", "two processes"])
def test_what_was_counted_is_added_up_and_printed_at_the_end(pytester, run, processes):
    pytester.makepyfile(PROOF)
    run(*processes).fnmatch_lines(
        ["*figures of the proofs*", "planted bugs: 2 of 3 caught", "storm: 350 days, 0 wrong days"]
    )


def test_where_nothing_was_counted_nothing_is_printed(pytester, run):
    pytester.makepyfile("def test_that_counts_nothing(): pass")
    run().no_fnmatch_line("*figures*")


def test_thousands_are_told_apart():
    noted = [["days", {"days": 20_000, "found": (1000, 1000)}], ["days", {"days": 1, "found": [0, 1]}]]
    assert lines(added_up(noted)) == ["days: 20,001 days, 1,000 of 1,001 found"]
