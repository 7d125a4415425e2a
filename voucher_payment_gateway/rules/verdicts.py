"""What an outcome means: the verdict of an error, and the steps that follow from it.

- Errors: whether a call that may move money was refused, not applied, or has an unknown outcome; how long a forbidden
  one is retried.
- A refused charge: charge again, fail the payment, or leave it.
- A refund: the status of its payment, and whether it reduces the amount still refundable.
- Before a cancel: whether its payment's operations must be waited for.
"""

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
    "FORBIDDEN_TIMEOUT",
    "Verdict",
    "after_refused_charge",
    "before_cancel",
    "counts_as_refunded",
    "forbidden_since",
    "is_denied",
    "is_forbidden",
    "is_forbidden_too_long",
    "status_after_refund",
    "verdict",
    "was_answered",
]

Verdict = Literal["refused", "not_applied", "unknown"]

FORBIDDEN_TIMEOUT = timedelta(hours=24)
"""How long a forbidden (403) operation is retried before it needs review."""

MAX_CHARGES_PER_CAPTURE = 2
"""A refused charge is retried once, on a new reservation; then the payment has failed."""


def verdict(error: VoucherGatewayError, *, repeated: bool) -> Verdict:
    """Return what ``error`` proves: refused for good, certainly not applied (retry later), or unknown.

    ContractError comes only from reads and the token request, so the call itself was not sent. A ``repeated`` call
    that is refused or forbidden proves nothing: the first one may have been booked and be the reason.
    """
    if repeated and is_denied(error):
        return "unknown"
    if isinstance(error, RefusedError):
        return "unknown" if repeated else "refused"
    if isinstance(error, UnavailableError | CredentialsError | ContractError):
        return "not_applied"
    return "unknown"


def was_answered(error: VoucherGatewayError) -> bool:
    """Return whether an answer came. If not, it was never sent, and a "no" needs no proof."""
    return error.http_status is not None


def forbidden_since(error: VoucherGatewayError, since: datetime | None, now: datetime) -> datetime | None:
    """Return since when the operation is forbidden: ``since`` if it was before, else ``now``; None for other errors."""
    return (since or now) if is_forbidden(error) else None


def is_denied(error: VoucherGatewayError) -> bool:
    """Return whether the API itself denied the call, by a 403."""
    return isinstance(error, CredentialsError) and bool(error.missing_scope)


def is_forbidden(error: VoucherGatewayError) -> bool:
    """Return whether the API denied the call, or one that it needs beforehand, or an intermediary rejected it, or the
    response was invalid. An operator may be able to fix each of these."""
    if is_denied(error):
        return True
    answered = (
        error.http_status is not None and error.http_status < 500 and error.http_status not in (408, 429)
    )
    is_invalid = isinstance(error, UnavailableError) and error.code == "answer_not_ours"
    return is_invalid or (answered and isinstance(error, UnavailableError | ContractError))


def is_forbidden_too_long(since: datetime | None, now: datetime) -> bool:
    """Return whether an operation has been forbidden for ``FORBIDDEN_TIMEOUT``: then it needs review."""
    return since is not None and now - since >= FORBIDDEN_TIMEOUT


def after_refused_charge(
    *, sends: int, refused: int, has_code: bool, cancelling: bool, hold_is_usable: bool
) -> Literal["charge_again", "fail", "leave"]:
    """Decide what follows for the payment after a refusal.

    ``sends``: how often the charge was sent; 0 if the reservation made for it was refused. ``refused``: number of
    refused charges of the payment, including this one. The first is charged again on a new reservation, since another
    till may have replaced the old one; only once, so that two orders cannot evict each other for ever. ``leave``: the
    hold is still usable, or the payment is being cancelled anyway.
    """
    if sends and refused < MAX_CHARGES_PER_CAPTURE and has_code and not cancelling:
        return "charge_again"
    if cancelling or (not sends and hold_is_usable):
        return "leave"
    return "fail"


def counts_as_refunded(state: str) -> bool:
    """Return whether a refund in this state reduces the amount still refundable: booked, in flight or in review."""
    return state not in ("refused", "not_applied")


def status_after_refund(
    *, refunded: Decimal, captured: Decimal, cancelling: bool
) -> Literal["captured", "refunded", "cancelled"]:
    """Return the status of a payment of which ``refunded`` was refunded: never cancelled unless that is all."""
    if refunded != captured:
        return "captured"
    return "cancelled" if cancelling else "refunded"


def before_cancel(operations: Iterable[tuple[str, str]]) -> Literal["wait", "withdraw"]:
    """Decide by the (kind, state) of a payment's charges and refunds what must happen before it can be cancelled.

    ``wait``: money may be in flight, or a person must decide whether it was charged; the cancel request is stored.
    ``withdraw``: nothing is in flight; due operations are withdrawn, and charged amounts are refunded.
    """
    for kind, state in operations:
        if state in ("sending", "unknown") or (kind == "charge" and state == "manual"):
            return "wait"
    return "withdraw"
