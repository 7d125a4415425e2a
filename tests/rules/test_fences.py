"""The next fence to try, and the answers that establish it."""

from datetime import UTC, datetime, timedelta

import pytest

from voucher_payment_gateway.exceptions import (
    CredentialsError,
    InsufficientBalanceError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
)
from voucher_payment_gateway.rules.resolution import expiry_of, is_expired, judge_fence, next_fence

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "release_works", "failed", "expected"),
    [
        (True, True, (), "reserve"),
        (True, False, (), "reserve"),
        (False, True, (), "release"),
        (False, False, (), "expiry"),
        (True, True, ("reserve",), "release"),
        (True, False, ("reserve",), "expiry"),
        (True, True, ("reserve", "release"), "expiry"),
        (False, True, ("release",), "expiry"),
    ],
)
def test_the_next_fence(wanted, release_works, failed, expected):
    assert next_fence(wanted=wanted, release_works=release_works, failed=failed) == expected


def test_nothing_has_failed_before_something_was_tried():
    assert next_fence(wanted=True, release_works=False) == "reserve"


@pytest.mark.parametrize(
    ("error", "reserve", "release"),
    [
        (None, "stands", "stands"),
        (RefusedError(), "fails", "fails"),
        (InsufficientBalanceError(), "fails", "fails"),
        (OutcomeUnknownError(), "again", "fails"),
        (UnavailableError(), "again", "fails"),
        (CredentialsError(), "again", "fails"),
        (CredentialsError(missing_scope="use"), "fails", "fails"),
        (UnavailableError(http_status=404), "again", "fails"),
        (UnavailableError(code="answer_not_ours"), "again", "fails"),
    ],
)
def test_only_a_granted_call_is_a_fence(error, reserve, release):
    assert (judge_fence("reserve", error), judge_fence("release", error)) == (reserve, release)


def test_an_unknown_reservation_is_dead_35_minutes_from_now():
    assert expiry_of(None, NOON) == NOON + timedelta(minutes=35)
    assert expiry_of(NOON + timedelta(hours=2), NOON) == NOON + timedelta(hours=2)


def test_an_old_reservation_is_dead_from_that_instant_on():
    assert [is_expired(NOON + timedelta(seconds=after), NOON) for after in (-1, 0, 1)] == [True, True, False]
    assert is_expired(None, NOON) is False
