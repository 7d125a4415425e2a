"""What an error of the client proves about a call that may move money."""

from datetime import timedelta
from typing import Literal

from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)

__all__ = ["Verdict", "is_forbidden", "is_past_hope", "verdict"]

Verdict = Literal["refused", "not_applied", "unknown"]

HOPE = timedelta(hours=24)
"""So long an operation that the API forbids waits for an operator to grant the right."""


def verdict(error: VoucherGatewayError, *, repeated: bool) -> Verdict:
    """Say what ``error`` proves: refused for good, surely not applied (send it later), or unknown.

    A broken promise is only ever reported of a read or of the token request, so the call itself was not sent. That a
    ``repeated`` call is refused or forbidden proves nothing: it may be because the first one was booked.
    """
    if repeated and is_forbidden(error):
        return "unknown"
    if isinstance(error, RefusedError):
        return "unknown" if repeated else "refused"
    if isinstance(error, UnavailableError | CredentialsError | ContractError):
        return "not_applied"
    return "unknown"


def is_forbidden(error: VoucherGatewayError) -> bool:
    """Say whether the API itself denied us the call. That may be a missing right, which an operator can grant, or its
    way to refuse this voucher."""
    return isinstance(error, CredentialsError) and bool(error.missing_scope)


def is_past_hope(error: VoucherGatewayError, waited: timedelta) -> bool:
    """Say whether a person must decide about an operation that was surely not applied and has ``waited`` so long."""
    return is_forbidden(error) and waited >= HOPE
