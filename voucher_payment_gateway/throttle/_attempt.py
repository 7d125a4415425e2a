"""One attempt to use a code: counted before it is made, and given back where it was no guess."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError
from voucher_payment_gateway.settings_sections import ThrottleSettings
from voucher_payment_gateway.throttle._counts import give_back
from voucher_payment_gateway.throttle._limits import count_attempt

__all__ = ["attempt"]


@contextmanager
def attempt(request: HttpRequest) -> Iterator[None]:
    """Put this around whatever tries a code that somebody typed; leave it outside of a transaction.

    The attempt counts as a failure from its beginning, so a thousand at once are no way around. It is given back
    after success, and after an error that tells nothing of the code (no service, wrong state, rejected credentials).
    What may tell something of the code stays counted, and is let through no earlier than ``refusal_seconds`` after the
    beginning.

    Raises ThrottledError with ``retry_after_seconds`` where a limit is reached; nothing within is run then.
    """
    given = gateway_settings().THROTTLE
    if given is None:
        yield
        return
    began = time.monotonic()
    failures, holds = count_attempt(request, given)
    try:
        yield
    except VoucherGatewayError as error:
        if _may_be_about_the_code(error):
            give_back(holds)
            _wait_until(began, given)
        else:
            give_back(failures + holds)
        raise
    give_back(failures)


def _may_be_about_the_code(error: VoucherGatewayError) -> bool:
    """Whether the Voucher Cloud may have refused the code: how it does is not documented, so any answer from 400 to 499
    may be that, but for those that speak of haste."""
    answered = error.http_status is not None and 400 <= error.http_status < 500
    return isinstance(error, RefusedError) or (answered and error.http_status not in (408, 429))


def _wait_until(began: float, given: ThrottleSettings) -> None:
    """Let every refusal take the same time. The limits bound how many threads can be kept waiting by that."""
    time.sleep(max(began + given.refusal_seconds - time.monotonic(), 0))
