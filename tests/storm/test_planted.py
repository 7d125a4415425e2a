"""A storm that would let a broken rule pass proves nothing."""

import pytest

from tests.storm.planted import NAMES, caught_by


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bug", NAMES)
def test_a_planted_bug_is_caught(bug):
    assert caught_by(bug) is not None
