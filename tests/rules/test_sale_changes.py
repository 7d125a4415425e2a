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
        (["a"], {"a": 1}, {"a": "a"}),
        (["a"], {"a-1": 2, "a-2": 2}, {"a-1": "a"}),
        (["a-1", "a-2"], {"a": 1}, {"a": "a-1"}),
        (["a-1"], {"a": 1, "a-1": 1}, {"a-1": "a-1"}),
        (["a"], {"b": 1}, {}),
        ([], {"a": 1}, {}),
    ],
)
def test_a_quantity_that_changes_keeps_the_vouchers_that_are_there(there, asked_for, matched):
    assert matched_by_key(there, asked_for) == matched


@pytest.mark.parametrize(
    ("there", "taken_back", "asked_for", "matched"),
    [
        ("a-1 a-2", "a-1", {"a": 1}, {"a": "a-2"}),
        ("a-1 a-2", "a-1", {"a-1": 2, "a-2": 2}, {"a-1": "a-1", "a-2": "a-2"}),
        ("a-1 a-2 a-3", "a-1", {"a-1": 2, "a-2": 2}, {"a-1": "a-3", "a-2": "a-2"}),
        ("a-2 a-10 a-3", "", {"a": 1}, {"a": "a-2"}),
        ("a a-2", "a", {"a": 1}, {"a": "a-2"}),
        ("a", "a", {"a-1": 2, "a-2": 2}, {"a-1": "a"}),
        ("a-1 a-2", "a-1 a-2", {"a": 1}, {"a": "a-1"}),
        ("a-1 a-b", "a-1", {"a": 1}, {"a": "a-1"}),
        ("a-1 a-2 a-3", "a-1", {"a-1": 1, "a-2": 1}, {"a-1": "a-1", "a-2": "a-2"}),
        ("a a-1", "a", {"a": 1, "a-1": 1}, {"a": "a", "a-1": "a-1"}),
    ],
)
def test_one_that_stands_goes_before_one_that_was_taken_back(there, taken_back, asked_for, matched):
    standing = [key for key in there.split() if key not in taken_back.split()]
    assert matched_by_key(standing, asked_for, taken_back=taken_back.split()) == matched


@pytest.mark.parametrize(
    ("taken_back", "given_up", "asked_for", "matched"),
    [
        ("a-1", "a-2", {"a": 1}, {"a": "a-2"}),
        ("a-1", "a-2 a-3", {"a-1": 2, "a-2": 2}, {"a-1": "a-3", "a-2": "a-2"}),
        ("a-1", "a-2", {"a-1": 2, "a-2": 2}, {"a-1": "a-1", "a-2": "a-2"}),
        ("", "a", {"a-1": 2, "a-2": 2}, {"a-1": "a"}),
    ],
)
def test_one_that_was_given_up_goes_before_one_that_was_taken_back(taken_back, given_up, asked_for, matched):
    found = matched_by_key([], asked_for, given_up=given_up.split(), taken_back=taken_back.split())
    assert found == matched


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
