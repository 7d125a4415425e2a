"""What an error of the client proves about a call that may move money."""

from datetime import datetime, timedelta
from typing import Literal

from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)

__all__ = ["Verdict", "forbidden_since", "is_denied", "is_forbidden", "is_past_hope", "verdict"]

Verdict = Literal["refused", "not_applied", "unknown"]

HOPE = timedelta(hours=24)
"""So long an operation that the API forbids waits for an operator to grant the right."""


def verdict(error: VoucherGatewayError, *, repeated: bool) -> Verdict:
    """Say what ``error`` proves: refused for good, surely not applied (send it later), or unknown.

    A broken promise is only ever reported of a read or of the token request, so the call itself was not sent. That a
    ``repeated`` call is refused or forbidden proves nothing: it may be because the first one was booked.
    """
    if repeated and is_denied(error):
        return "unknown"
    if isinstance(error, RefusedError):
        return "unknown" if repeated else "refused"
    if isinstance(error, UnavailableError | CredentialsError | ContractError):
        return "not_applied"
    return "unknown"


def forbidden_since(error: VoucherGatewayError, since: datetime | None, now: datetime) -> datetime | None:
    """Return since when the API forbids an operation, ``since`` when until now; None where ``error`` is another one."""
    return (since or now) if is_forbidden(error) else None


def is_denied(error: VoucherGatewayError) -> bool:
    """Say whether the API itself denied us the call, by a 403."""
    return isinstance(error, CredentialsError) and bool(error.missing_scope)


def is_forbidden(error: VoucherGatewayError) -> bool:
    """Say whether the API denied us the call, or somebody turned it away or answered what cannot be understood: a
    missing right, which an operator can grant, or the way in which this voucher is refused."""
    if is_denied(error):
        return True
    answered = (
        error.http_status is not None and error.http_status < 500 and error.http_status not in (408, 429)
    )
    return isinstance(error, UnavailableError) and (answered or error.code == "answer_not_ours")


def is_past_hope(since: datetime | None, now: datetime) -> bool:
    """Say whether a person must decide about an operation that the API has forbidden ``since`` then."""
    return since is not None and now - since >= HOPE
