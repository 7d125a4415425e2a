"""What an error of the client proves."""

import pytest

from voucher_payment_gateway import exceptions
from voucher_payment_gateway.rules.verdicts import verdict


@pytest.mark.parametrize(
    ("error", "first", "repeated"),
    [
        (exceptions.RefusedError(), "refused", "unknown"),
        (exceptions.ReservationClosedError(), "refused", "unknown"),
        (exceptions.UnavailableError(), "not_applied", "not_applied"),
        (exceptions.ThrottledError(), "not_applied", "not_applied"),
        (exceptions.CredentialsError(), "not_applied", "not_applied"),
        (exceptions.OutcomeUnknownError(), "unknown", "unknown"),
        (exceptions.ContractError(), "not_applied", "not_applied"),
        (exceptions.VoucherGatewayError(), "unknown", "unknown"),
    ],
)
def test_what_an_error_proves(error, first, repeated):
    assert (verdict(error, repeated=False), verdict(error, repeated=True)) == (first, repeated)
