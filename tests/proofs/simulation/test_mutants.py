"""Each dropped rule must be noticed by the simulation: one that lets it pass proves nothing."""

import pytest

from tests.proofs.simulation.mutants import MUTANTS, caught_by


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_bug_is_caught(mutant, figures):
    caught = caught_by(MUTANTS[mutant])
    figures("planted bugs", caught=(int(caught is not None), 1))
    assert caught is not None
