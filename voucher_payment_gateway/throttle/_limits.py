"""Who tries a code, under which limits, and the claim on each of them: all or none."""

import logging
from collections.abc import Callable, Iterator
from functools import cache

from django.http import HttpRequest
from django.utils.module_loading import import_string

from voucher_payment_gateway.exceptions import ThrottledError
from voucher_payment_gateway.settings_sections import Limit, ThrottleSettings
from voucher_payment_gateway.throttle._address import address_of
from voucher_payment_gateway.throttle._counts import Count, Counter, Counting, give_back

__all__ = ["count_attempt"]

logger = logging.getLogger("voucher_payment_gateway")

LIFTED_BY_CAPTCHA = ("session", "address", "holds")


def count_attempt(request: HttpRequest, given: ThrottleSettings) -> tuple[list[Count], list[Count]]:
    """Count one failure under every limit and one reservation, and return both to be given back.

    The narrow limits come first and what is refused counts nowhere: whoever is stopped by their own limit does not
    use up that of everyone. Raises ThrottledError.
    """
    failures: list[Count] = []
    holds: list[Count] = []
    is_human = cache(lambda: _solved_captcha(request, given))
    counting = Counting(given.cache)
    for counter in _counters(request, given):
        count = counting.add(counter)
        if count is not None:
            (holds if counter.name == "holds" else failures).append(count)
        elif not (counter.name in LIFTED_BY_CAPTCHA and is_human()):
            give_back(failures + holds)
            raise ThrottledError(retry_after_seconds=counter.seconds_left())
    return failures, holds


def _counters(request: HttpRequest, given: ThrottleSettings) -> Iterator[Counter]:
    for name, who in _visitor(request, given):
        text: str | None = getattr(given, name)
        if text is not None and who:
            yield Counter.now(name, who, Limit.parse(text))


def _visitor(request: HttpRequest, given: ThrottleSettings) -> Iterator[tuple[str, str]]:
    """Yield each limit's name with whom it is counted for; empty where the visitor has no such thing."""
    session, user = getattr(request, "session", None), getattr(request, "user", None)
    address = address_of(request.META, given.trusted_proxies)
    yield "session", (session and session.session_key) or ""
    yield "account", str(user.pk) if user is not None and user.is_authenticated else ""
    yield "address", address
    yield "holds", address
    yield "everyone", "everyone"


def _solved_captcha(request: HttpRequest, given: ThrottleSettings) -> bool:
    """Ask the shop's own callable; one that fails has not seen a person."""
    if not given.captcha:
        return False
    solved: Callable[[HttpRequest], object] = import_string(given.captcha)
    try:
        return solved(request) is True
    except Exception as error:
        logger.error("throttle: %s failed: %s", given.captcha, type(error).__name__)
        return False
