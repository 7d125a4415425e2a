"""What an error of the client proves about a call that may move money."""

from typing import Literal

from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)

__all__ = ["Verdict", "verdict"]

Verdict = Literal["refused", "not_applied", "unknown"]


def verdict(error: VoucherGatewayError, *, repeated: bool) -> Verdict:
    """Say what ``error`` proves: refused for good, surely not applied (send it later), or unknown.

    A broken promise is only ever reported of a read or of the token request, so the call itself was not sent. The
    refusal of a ``repeated`` call proves nothing: it may be refused because the first one was booked.
    """
    if isinstance(error, RefusedError):
        return "unknown" if repeated else "refused"
    if isinstance(error, UnavailableError | CredentialsError | ContractError):
        return "not_applied"
    return "unknown"
