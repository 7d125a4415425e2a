"""The days of a storm have every value of every switch of the local Voucher Cloud."""

from typing import get_args

import pytest

from tests.proofs.storm.switches import drawn
from voucher_payment_gateway.sandbox import Behaviour

DAYS_IN_CI = 300
SWITCHES = Behaviour.model_fields
BEHAVIOURS = [drawn(seed) for seed in range(DAYS_IN_CI)]


@pytest.mark.parametrize("name", SWITCHES)
def test_every_value_of_a_switch_occurs_in_the_days_of_a_storm(name):
    values = [getattr(behaviour, name) for behaviour in BEHAVIOURS]
    different = [value for number, value in enumerate(values) if value not in values[:number]]
    annotation = SWITCHES[name].annotation
    if annotation is bool:
        assert set(different) == {False, True}
    elif (
        isinstance(annotation, type) or name == "code_names"
    ):  # any number, any names: the default and others
        assert SWITCHES[name].get_default(call_default_factory=True) in different
        assert len(different) > 1
    else:
        assert set(different) == set(get_args(annotation))


def test_the_switches_are_drawn_independently():
    """Each value of a switch occurs with each value of the others."""
    together = {(one.cancel_reservation, one.second_charge, one.list_lag_seconds) for one in BEHAVIOURS}
    assert len(together) == 3 * 3 * 3
