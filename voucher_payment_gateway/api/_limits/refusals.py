"""The errors of a call that the gate refuses: certainly nothing was sent."""

from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.telemetry.instruments import NOT_SENT


def too_many_slow_calls() -> UnavailableError:
    return _refusal(
        "The Voucher Cloud answers slowly, and enough calls of this process wait for it (SLOW_CALLS).",
        code="too_many_slow_calls",
    )


def circuit_open(seconds: float) -> UnavailableError:
    why = "The Voucher Cloud did not answer lately, or asked to wait: one call at a time tries again."
    return _refusal(why, code="circuit_open", retry_after_seconds=seconds or None)


def rate_limited() -> UnavailableError:
    why = "There are too many calls at the moment (REQUESTS_PER_SECOND)."
    return _refusal(why, code="rate_limited", retry_after_seconds=1.0)


def _refusal(why: str, *, code: str, retry_after_seconds: float | None = None) -> UnavailableError:
    NOT_SENT.add({"reason": code})
    text = f"{why} Nothing was sent; please try again later."
    return UnavailableError(text, code=code, retry_after_seconds=retry_after_seconds)
