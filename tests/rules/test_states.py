"""The transitions of an operation: those of the table, and no other."""

from itertools import product

import pytest

from voucher_payment_gateway.rules.states import OPEN_STATES, TRANSITIONS, TransitionError, check_transition

STATES = [state for state in TRANSITIONS if state]
STAYS = {(state, state) for state in (*OPEN_STATES, "manual")}
ALLOWED = {(before, after) for before, later in TRANSITIONS.items() for after in later} | STAYS


@pytest.mark.parametrize(("before", "after"), list(product(TRANSITIONS, STATES)))
def test_an_operation_changes_its_state_only_by_the_table(before, after):
    if (before, after) in ALLOWED:
        check_transition(before, after)
    else:
        with pytest.raises(TransitionError, match=f"from {before or 'start'} to {after}"):
            check_transition(before, after)


@pytest.mark.parametrize("decided", ["succeeded", "refused", "not_applied"])
def test_a_decided_operation_stays_as_it_is(decided):
    with pytest.raises(TransitionError):
        check_transition(decided, "due")
