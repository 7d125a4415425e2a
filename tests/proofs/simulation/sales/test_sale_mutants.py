"""Each dropped rule of sales must be noticed by the simulation within a hundred days."""

import pytest

from tests.proofs.simulation.sales.mutants import SALE_MUTANTS, caught_by


@pytest.mark.parametrize("mutant", SALE_MUTANTS)
def test_a_planted_bug_of_sales_is_caught(mutant, figures):
    caught = caught_by(SALE_MUTANTS[mutant])
    figures("planted bugs of sales", caught=(int(caught is not None), 1))
    assert caught is not None
