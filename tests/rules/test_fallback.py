"""The rungs that follow a refund which a voucher can surely not take."""

import pytest

from voucher_payment_gateway.rules.fallback import falls_back, gives_back, next_rung

ALL = {"recharge", "new_voucher"}


@pytest.mark.parametrize(
    ("rungs", "refused", "expected"),
    [
        (["manual"], "refund", "manual"),
        ([], "refund", "manual"),
        (["recharge"], "refund", "recharge"),
        (["recharge"], "recharge", "manual"),
        (["recharge", "new_voucher", "manual"], "refund", "recharge"),
        (["recharge", "new_voucher", "manual"], "recharge", "new_voucher"),
        (["recharge", "new_voucher", "manual"], "issue", "manual"),
        (["new_voucher", "recharge"], "issue", "recharge"),
        (["new_voucher"], "recharge", "manual"),  # the setting was changed meanwhile
    ],
)
def test_each_rung_follows_the_one_before(rungs, refused, expected):
    assert next_rung(rungs, refused, possible=ALL) == expected


def test_a_rung_that_is_not_possible_is_passed_over():
    assert next_rung(["new_voucher", "recharge"], "refund", possible={"recharge"}) == "recharge"
    assert next_rung(["new_voucher", "manual"], "refund", possible={"recharge"}) == "manual"


def test_only_what_gives_money_back_is_a_fallback():
    assert [falls_back(rungs) for rungs in ([], ["manual"], ["recharge"], ["new_voucher", "manual"])] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("status", ["ordered", "issued", "active", "taken_back", "failed"])
@pytest.mark.parametrize("was_active", [True, False])
def test_a_voucher_counts_unless_it_could_never_be_redeemed(status, was_active):
    expected = was_active or status not in ("taken_back", "failed")
    assert gives_back(status, was_active=was_active) == expected
