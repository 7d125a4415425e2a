"""When a read is sent again: capped exponential backoff with jitter, never past the deadline.

Only reads are repeated. A moving call is never repeated here: what became of it is for evidence to say.
"""

import random

from voucher_payment_gateway.api._steps import Deadline
from voucher_payment_gateway.exceptions import UnavailableError, VoucherGatewayError

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
RETRIED_CODES = frozenset({"unavailable", "throttled"})

_RANDOM = random.SystemRandom()


def pause_seconds(
    attempt: int, error: VoucherGatewayError, asked_for: float | None, deadline: Deadline
) -> float | None:
    """Return how long to wait after the ``attempt``-th failed try (from 1), or None to give up.

    ``asked_for`` is the server's ``Retry-After``: the pause is never shorter.
    """
    if attempt >= ATTEMPTS or not isinstance(error, UnavailableError) or error.code not in RETRIED_CODES:
        return None
    ceiling = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1))
    pause = max(asked_for or 0.0, _RANDOM.uniform(ceiling / 2, ceiling))
    return pause if pause < deadline.remaining_seconds() else None
