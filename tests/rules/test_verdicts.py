"""What an error of the client proves."""

from datetime import timedelta

import pytest

from voucher_payment_gateway import exceptions
from voucher_payment_gateway.rules.verdicts import is_past_hope, verdict


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
    ("error", "hours", "expected"),
    [
        (exceptions.CredentialsError(missing_scope="use"), 24, True),
        (exceptions.CredentialsError(missing_scope="use"), 23.99, False),
        (exceptions.CredentialsError(), 1000, False),
        (exceptions.UnavailableError(), 1000, False),
    ],
)
def test_a_person_decides_about_what_the_api_has_forbidden_for_a_day(error, hours, expected):
    assert is_past_hope(error, timedelta(hours=hours)) is expected
