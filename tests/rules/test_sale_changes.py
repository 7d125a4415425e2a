"""Whether the status of an order may still change something about a gift voucher that it sells."""

import pytest

from voucher_payment_gateway.rules.sales import matched_by_key, may_change


@pytest.mark.parametrize(
    ("verb", "status", "target", "expected"),
    [
        ("activate", "ordered", "issued", True),
        ("activate", "issued", "issued", True),
        ("activate", "issued", "active", False),
        ("activate", "issued", "taken_back", False),
        ("take_back", "ordered", "issued", True),
        ("take_back", "active", "active", True),
        ("take_back", "active", "taken_back", False),
        ("issue", "ordered", "issued", False),
        *(
            (verb, status, "issued", False)
            for verb in ("activate", "take_back")
            for status in ("taken_back", "failed")
        ),
    ],
)
def test_a_sale_is_swept_only_where_the_verb_may_change_it(verb, status, target, expected):
    assert may_change(verb, status, target) is expected


@pytest.mark.parametrize(
    ("there", "asked_for", "matched"),
    [
        (["a"], ["a"], {"a": "a"}),
        (["a"], ["a-1", "a-2"], {"a-1": "a"}),
        (["a-1", "a-2"], ["a"], {"a": "a-1"}),
        (["a-1"], ["a", "a-1"], {"a-1": "a-1"}),
        (["a"], ["b"], {}),
        ([], ["a"], {}),
    ],
)
def test_a_quantity_that_changes_keeps_the_vouchers_that_are_there(there, asked_for, matched):
    assert matched_by_key({key: key for key in there}, asked_for) == matched
