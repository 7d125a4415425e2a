"""Each broken rule must be noticed by a storm: one that lets it pass proves nothing."""

import pytest

from tests.proofs.planted import sample_of
from tests.proofs.storm.mutants import MUTANTS, caught_by


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mutant", sample_of(MUTANTS))
def test_a_planted_bug_is_caught(mutant, figures):
    caught = caught_by(mutant)
    figures("planted bugs", caught=(int(caught is not None), 1))
    assert caught is not None
