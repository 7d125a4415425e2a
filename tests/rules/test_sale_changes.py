"""Whether the status of an order may still change something about a gift voucher that it sells."""

import pytest

from voucher_payment_gateway.rules.sales import (
    end_of_unwritten,
    matched_by_key,
    may_change,
    may_follow,
    was_taken_back,
)


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


@pytest.mark.parametrize(
    ("target", "end_reason", "expected"),
    [
        ("taken_back", "returned", (True, False)),
        ("taken_back", "unpaid", (True, True)),
        ("taken_back", "", (True, True)),
        ("taken_back", "replaced", (False, False)),
        ("active", "", (False, True)),
    ],
)
def test_another_voucher_follows_only_one_whose_order_was_not_paid(target, end_reason, expected):
    assert (was_taken_back(target, end_reason), may_follow(end_reason)) == expected


@pytest.mark.parametrize(("told_unpaid", "expected"), [(True, True), (False, False)])
def test_a_sale_that_was_never_written_is_followed_only_where_its_order_was_cancelled_unpaid(
    told_unpaid, expected
):
    assert may_follow(end_of_unwritten(told_unpaid=told_unpaid)) is expected
