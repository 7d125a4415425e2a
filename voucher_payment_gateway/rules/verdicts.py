"""What an error of the client proves about a call that may move money."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)

__all__ = [
    "Verdict",
    "after_refused_charge",
    "before_cancel",
    "counts_as_given_back",
    "forbidden_since",
    "is_denied",
    "is_forbidden",
    "needs_review_by",
    "status_after_refund",
    "verdict",
]

Verdict = Literal["refused", "not_applied", "unknown"]

FORBIDDEN_TIMEOUT = timedelta(hours=24)
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


def needs_review_by(since: datetime | None, now: datetime) -> bool:
    """Say whether a person must decide about an operation that the API has forbidden ``since`` then."""
    return since is not None and now - since >= FORBIDDEN_TIMEOUT


CHARGES_PER_CAPTURE = 2
"""A refused charge is followed by one more on a new reservation, then the payment has failed."""


def after_refused_charge(
    *, sends: int, refused: int, has_code: bool, cancelling: bool, hold_is_usable: bool
) -> Literal["charge_again", "fail", "leave"]:
    """Decide what becomes of the payment after a refusal.

    ``sends``: how often the charge was sent; none where the new reservation before it was refused. ``refused``: how
    many charges of the payment were refused, this one included. One is charged again on a new reservation: the old
    one may have been lost to another till, and two orders must not evict each other for ever. ``leave``: the hold is
    as good as before, or somebody is cancelling the payment anyway.
    """
    if sends and refused < CHARGES_PER_CAPTURE and has_code and not cancelling:
        return "charge_again"
    if cancelling or (not sends and hold_is_usable):
        return "leave"
    return "fail"


def counts_as_given_back(state: str) -> bool:
    """Say whether a refund in this state lowers what can still go back: booked, under way, or left to a person."""
    return state not in ("refused", "not_applied")


def status_after_refund(
    *, refunded: Decimal, captured: Decimal, cancelling: bool
) -> Literal["captured", "refunded", "cancelled"]:
    """Return the status of a payment of which ``refunded`` has gone back: never cancelled with a cent less."""
    if refunded != captured:
        return "captured"
    return "cancelled" if cancelling else "refunded"


def before_cancel(operations: Iterable[tuple[str, str]]) -> Literal["wait", "withdraw"]:
    """Decide by the (kind, state) of a payment's charges and refunds what comes before it can be given up.

    ``wait``: money may be in flight, or a person must decide whether it was charged; the wish is stored. ``withdraw``:
    nothing is under way; what is due is taken back, and what was charged is refunded.
    """
    for kind, state in operations:
        if state in ("sending", "unknown") or (kind == "charge" and state == "manual"):
            return "wait"
    return "withdraw"
