"""One attempt to use a code: counted before it is made, and uncounted if it was no failed guess."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError
from voucher_payment_gateway.settings_sections import ThrottleSettings
from voucher_payment_gateway.throttle._counts import uncount
from voucher_payment_gateway.throttle._limits import count_attempt

__all__ = ["Attempt", "attempt"]


class Attempt:
    """What the caller may say about the attempt before it ends well."""

    was_sent = True
    """Whether a reservation was requested; otherwise none is counted."""


@contextmanager
def attempt(request: HttpRequest, *, account: str = "") -> Iterator[Attempt]:
    """Context manager for code that tries an entered voucher code. Do not use it inside a transaction.

    The attempt counts as a failure from its start, so concurrent attempts cannot exceed a limit. It is uncounted after
    success, and after an error that reveals nothing about the code: no service, an answer that is not the Voucher
    Cloud's own, rejected credentials, a missing right, wrong state. A refusal stays counted, and is raised no earlier
    than ``refusal_seconds`` after the start.
    With ``ACCOUNTS``, ``account`` names the merchant whose codes are tried: each has counters of its own.

    Raises ThrottledError with ``retry_after_seconds`` if a limit is reached; the body is not run then.
    """
    limits, tried = gateway_settings().THROTTLE, Attempt()
    if limits is None:
        yield tried
        return
    started_at = time.monotonic()
    failures, holds = count_attempt(request, limits, account)
    try:
        yield tried
    except VoucherGatewayError as error:
        if isinstance(error, RefusedError):
            uncount(holds)
            _equalise_time(started_at, limits)
        else:
            uncount(failures + holds)
        raise
    uncount(failures if tried.was_sent else failures + holds)


def _equalise_time(started_at: float, limits: ThrottleSettings) -> None:
    """Give every refusal the same duration. The limits bound the number of threads that wait here."""
    time.sleep(max(started_at + limits.refusal_seconds - time.monotonic(), 0))
