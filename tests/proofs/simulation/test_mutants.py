"""A simulation that would let a dropped rule pass proves nothing."""

import pytest

from tests.proofs.simulation.mutants import BUGS, caught_by


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug, figures):
    caught = caught_by(BUGS[bug])
    figures("planted bugs", caught=(int(caught is not None), 1))
    assert caught is not None
