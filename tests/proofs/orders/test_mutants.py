"""Each dropped order rule must be noticed by the simulation: one that lets it pass proves nothing."""

import pytest

from tests.proofs.orders.mutants import MUTANTS, caught_by


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_bug_is_caught(mutant, figures):
    caught = caught_by(MUTANTS[mutant])
    figures("order rules, planted bugs", caught=(int(caught is not None), 1))
    assert caught is not None


def test_every_rule_has_a_planted_bug(figures):
    rules = {mutant.rule for mutant in MUTANTS.values() if mutant.rule}
    figures("order rules, planted bugs", rules_with_one=(len(rules), 13))
    assert rules == set(range(1, 14))
