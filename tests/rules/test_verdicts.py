"""What an error of the client proves about the money."""

from datetime import UTC, datetime, timedelta

import pytest

from voucher_payment_gateway import exceptions
from voucher_payment_gateway.rules.verdicts import (
    forbidden_since,
    is_forbidden,
    is_forbidden_too_long,
    verdict,
    was_answered,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "first", "repeated"),
    [
        (exceptions.RefusedError(), "refused", "unknown"),
        (exceptions.ReservationClosedError(), "refused", "unknown"),
        (exceptions.UnavailableError(), "not_applied", "not_applied"),
        (exceptions.ThrottledError(), "not_applied", "not_applied"),
        (exceptions.CredentialsError(), "not_applied", "not_applied"),
        (exceptions.CredentialsError(missing_scope="use"), "not_applied", "unknown"),
        (exceptions.OutcomeUnknownError(), "unknown", "unknown"),
        (exceptions.ContractError(), "not_applied", "not_applied"),
        (exceptions.VoucherGatewayError(), "unknown", "unknown"),
    ],
)
def test_what_an_error_proves(error, first, repeated):
    assert (verdict(error, repeated=False), verdict(error, repeated=True)) == (first, repeated)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exceptions.CredentialsError(missing_scope="use"), True),
        (exceptions.CredentialsError(http_status=401), False),
        (exceptions.UnavailableError(), False),
        (exceptions.UnavailableError(http_status=400), True),
        (exceptions.UnavailableError(http_status=404), True),
        (exceptions.UnavailableError(http_status=499), True),
        (exceptions.UnavailableError(http_status=200), True),
        (exceptions.UnavailableError(code="answer_not_ours"), True),
        (exceptions.UnavailableError(http_status=408), False),
        (exceptions.ThrottledError(http_status=429), False),
        (exceptions.UnavailableError(http_status=500), False),
        (exceptions.OutcomeUnknownError(http_status=404), False),
        (exceptions.ContractError(http_status=404), True),
        (exceptions.ContractError(), False),
    ],
)
def test_what_was_denied_or_turned_away_is_forbidden(error, expected):
    assert is_forbidden(error) is expected


def test_since_when_an_operation_is_forbidden():
    denied, before = exceptions.CredentialsError(missing_scope="use"), NOON - timedelta(hours=3)
    assert forbidden_since(denied, None, NOON) == NOON
    assert forbidden_since(denied, before, NOON) == before
    assert forbidden_since(exceptions.UnavailableError(), before, NOON) is None


@pytest.mark.parametrize(("hours", "expected"), [(24, True), (23.99, False)])
def test_a_person_decides_about_what_has_been_forbidden_for_a_day(hours, expected):
    assert is_forbidden_too_long(NOON - timedelta(hours=hours), NOON) is expected
    assert is_forbidden_too_long(None, NOON) is False


@pytest.mark.parametrize(
    ("error", "answered"),
    [
        (exceptions.RefusedError(http_status=409), True),
        (exceptions.UnavailableError(http_status=429), True),
        (exceptions.CredentialsError(http_status=401), True),
        (exceptions.UnavailableError(), False),
        (exceptions.UnavailableError(code="send_window_passed"), False),
    ],
)
def test_only_an_answered_no_needs_a_proof(error, answered):
    assert was_answered(error) is answered
