"""What the end of a call shows about the Voucher Cloud: that it answers, that it does not, or nothing."""

from typing import Literal

from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError, VoucherGatewayError

BUSY = (429, 503)
"""The statuses whose ``Retry-After`` is about every caller."""


def shows(result: object) -> Literal["answer", "failure", "nothing"]:
    """A refusal is an answer like another. What was not sent for a reason of our own shows nothing."""
    if not isinstance(result, VoucherGatewayError):
        return "answer"
    status = result.http_status
    if status is not None:
        return "failure" if status == 408 or status >= 500 else "answer"
    is_own = result.code != result.default_code
    return (
        "failure" if isinstance(result, UnavailableError | OutcomeUnknownError) and not is_own else "nothing"
    )


def asked_to_wait(result: object, retry_after: float | None) -> float:
    """Return the seconds that the Voucher Cloud asks every caller to wait; 0 where it asks for nothing."""
    is_busy = isinstance(result, VoucherGatewayError) and result.http_status in BUSY
    return retry_after or 0.0 if is_busy else 0.0
