"""The figures that the proofs counted in this run, printed at its end: none is a constant of the tests.

A test passes its counts to the fixture ``figures``; the counts of several tests or processes for one proof are added
up. A pair means "a of b".
"""

from collections import defaultdict
from collections.abc import Iterable

import pytest

__all__ = ["Figures", "added_up", "lines"]

KEY = "figures"
Count = int | tuple[int, int]
"""A number, or a pair: the first of the second."""


class Figures:
    """The counts of one test; they travel with its report, also between the processes of xdist."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def __call__(self, proof: str, **counted: Count) -> None:
        """Add counts of ``proof``; ``wrong_cents=0`` is printed as "0 wrong cents"."""
        self._properties.append((KEY, [proof, counted]))


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Report the counts of a proof: ``figures("storm", days=300, wrong_days=0)``."""
    return Figures(request.node.user_properties)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums, including those of failed tests."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    counted = added_up(value for report in reports for name, value in report.user_properties if name == KEY)
    if counted:
        terminalreporter.section("figures of the proofs")
        for line in lines(counted):
            terminalreporter.line(line)


def added_up(noted: Iterable[list]) -> dict[str, dict[str, Count]]:
    """Return the sums by proof, in alphabetical order, since the order of the tests differs from run to run."""
    proofs: dict[str, dict[str, Count]] = defaultdict(dict)
    for proof, counted in noted:
        for what, count in counted.items():
            proofs[proof][what] = _sum(proofs[proof].get(what), count)
    return dict(sorted(proofs.items()))


def lines(counted: dict[str, dict[str, Count]]) -> list[str]:
    return [
        f"{proof}: " + ", ".join(f"{_text(count)} {what.replace('_', ' ')}" for what, count in each.items())
        for proof, each in counted.items()
    ]


def _sum(so_far: Count | None, count: Count | list[int]) -> Count:
    if isinstance(count, int):
        return count + (so_far or 0)
    first, second = so_far or (0, 0)
    return first + count[0], second + count[1]


def _text(count: Count) -> str:
    return f"{count:,}" if isinstance(count, int) else f"{count[0]:,} of {count[1]:,}"
