"""A simulation that would let a dropped rule pass proves nothing."""

import pytest

from tests.simulation.planted import BUGS, caught_by


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug):
    assert caught_by(BUGS[bug]) is not None
