"""The status of a payment after a refused charge, a booked refund or a request to cancel."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway.rules.states import (
    HELD_BEFORE,
    LIVE_STATUSES,
    MONEY_KINDS,
    NOT_ENDED,
    OPEN_STATES,
    status_without_hold,
)
from voucher_payment_gateway.rules.verdicts import (
    after_refused_charge,
    before_cancel,
    counts_as_given_back,
    status_after_refund,
)

SENT = {"sends": 1, "refused": 1, "has_code": True, "cancelling": False, "hold_is_usable": True}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "charge_again"),
        ({"hold_is_usable": False}, "charge_again"),
        ({"refused": 2}, "fail"),
        ({"has_code": False}, "fail"),
        ({"cancelling": True}, "leave"),
        ({"cancelling": True, "refused": 2}, "leave"),
        ({"sends": 0}, "leave"),
        ({"sends": 0, "hold_is_usable": False}, "fail"),
        ({"sends": 0, "hold_is_usable": False, "cancelling": True}, "leave"),
        ({"sends": 4}, "charge_again"),
    ],
)
def test_a_refused_charge_is_made_once_more_or_ends_the_payment(changed, expected):
    assert after_refused_charge(**{**SENT, **changed}) == expected


@pytest.mark.parametrize(
    ("refunded", "cancelling", "expected"),
    [
        ("4.99", False, "captured"),
        ("4.99", True, "captured"),
        ("5.00", False, "refunded"),
        ("5.00", True, "cancelled"),
    ],
)
def test_a_payment_is_never_called_cancelled_with_a_cent_less(refunded, cancelling, expected):
    found = status_after_refund(refunded=D(refunded), captured=D("5.00"), cancelling=cancelling)
    assert found == expected


@pytest.mark.parametrize("state", ["due", "sending", "unknown", "succeeded", "manual"])
def test_a_refund_that_may_have_been_booked_counts(state):
    assert counts_as_given_back(state)


@pytest.mark.parametrize("state", ["refused", "not_applied"])
def test_a_refund_that_was_not_booked_does_not_count(state):
    assert not counts_as_given_back(state)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], "withdraw"),
        ([("charge", "due")], "withdraw"),
        ([("charge", "succeeded"), ("refund", "refused")], "withdraw"),
        ([("charge", "sending")], "wait"),
        ([("charge", "succeeded"), ("refund", "unknown")], "wait"),
        ([("charge", "manual")], "wait"),
        ([("refund", "manual")], "withdraw"),
    ],
)
def test_what_comes_before_a_payment_is_given_up(operations, expected):
    assert before_cancel(operations) == expected


def test_the_states_that_mean_something():
    assert OPEN_STATES == ("due", "sending", "unknown")
    assert LIVE_STATUSES == ("selected", "authorized", "lapsed")
    assert HELD_BEFORE == ("authorized", "lapsed")
    assert NOT_ENDED == ("selected", "authorized", "lapsed", "captured", "refunded")
    assert MONEY_KINDS == ("charge", "refund", "recharge")


@pytest.mark.parametrize(
    ("captured", "refunded", "status"),
    [("0.00", "0.00", "lapsed"), ("5.00", "0.00", "captured"), ("5.00", "5.00", "refunded")],
)
def test_a_payment_without_a_hold_does_not_forget_what_was_charged(captured, refunded, status):
    assert status_without_hold(D(captured), D(refunded), otherwise="lapsed") == status


def test_a_payment_that_failed_before_anything_was_charged_has_failed():
    assert status_without_hold(D("0.00"), D("0.00"), otherwise="failed") == "failed"
