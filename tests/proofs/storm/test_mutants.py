"""A storm that would let a broken rule pass proves nothing."""

import pytest

from tests.proofs.storm.mutants import NAMES, caught_by


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bug", NAMES)
def test_a_planted_bug_is_caught(bug, figures):
    caught = caught_by(bug)
    figures("planted bugs", caught=(int(caught is not None), 1))
    assert caught is not None
