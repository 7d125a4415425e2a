"""How long a worker holds the lease of an operation."""

from datetime import UTC, datetime, timedelta

import pytest

from voucher_payment_gateway.rules.timing import (
    SEND_WINDOW_SECONDS,
    after_lease,
    lease_seconds,
    may_begin,
    next_look_at,
    next_send_at,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_lease_outlives_the_window_and_the_longest_call():
    assert SEND_WINDOW_SECONDS == 20
    assert lease_seconds(10.0) == 50.0
    assert lease_seconds(80.0) == 120.0


def test_sending_begins_within_the_window_or_not_at_all():
    assert may_begin(99.9, 100.0)
    assert may_begin(100.0, 100.0)
    assert not may_begin(100.1, 100.0)


@pytest.mark.parametrize(
    ("kind", "state"), [("charge", "unknown"), ("refund", "unknown"), ("cancel", "succeeded")]
)
def test_a_lease_that_ran_out_never_means_to_send_again(kind, state):
    assert after_lease(kind) == state


@pytest.mark.parametrize(("age", "wait"), [(0, 30), (30, 30), (31, 31), (3600, 3600), (3601, 3600), (-5, 30)])
def test_what_is_old_is_looked_at_more_seldom(age, wait):
    assert next_look_at(NOON, NOON - timedelta(seconds=age)) == NOON + timedelta(seconds=wait)


@pytest.mark.parametrize(
    ("age", "wait_seconds", "expected"),
    [(0, 0, 30), (0, 45, 45), (600, 45, 600), (600, 900, 900), (0, 86_400, 3600), (7200, 86_400, 3600)],
)
def test_what_was_not_applied_is_sent_again_no_earlier_than_asked_for(age, wait_seconds, expected):
    asked_at = NOON - timedelta(seconds=age)
    assert next_send_at(NOON, asked_at, wait_seconds) == NOON + timedelta(seconds=expected)
