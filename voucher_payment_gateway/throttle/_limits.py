"""Which limits apply to a visitor, and counting one attempt under all of them or under none."""

from collections.abc import Callable, Iterator
from functools import cache

from django.http import HttpRequest
from django.utils.module_loading import import_string

from voucher_payment_gateway.exceptions import ThrottledError
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.settings_sections import Limit, ThrottleSettings
from voucher_payment_gateway.telemetry.instruments import THROTTLED
from voucher_payment_gateway.throttle._address import address_of
from voucher_payment_gateway.throttle._counts import Count, Counter, Counting, uncount
from voucher_payment_gateway.throttle._report import report_limit_reached

__all__ = ["count_attempt"]

LIFTED_BY_CAPTCHA = ("session", "address", "holds", "everyone")


def count_attempt(
    request: HttpRequest, limits: ThrottleSettings, account: str = ""
) -> tuple[list[Count], list[Count]]:
    """Count one failure under each limit, and one reservation; return the failures and the reservations counted.

    The narrow limits come first, and a throttled attempt counts nowhere: a visitor who has reached their own limit does
    not use up the limit of everyone. That one does not stop an account without a failure of its own in the window of
    ``account``: else whoever uses it up on purpose would lock every customer out. Raises ThrottledError.
    """
    failures: list[Count] = []
    holds: list[Count] = []
    is_human = cache(lambda: _solved_captcha(request, limits))
    counting = Counting(limits.cache)
    for counter in _counters(request, limits, account):
        count = counting.add(counter)
        if count is not None:
            (holds if counter.name == "holds" else failures).append(count)
            continue
        if counter.name == "everyone":
            report_limit_reached(counter, account)
            if _is_known_account(failures):
                continue
        if not (counter.name in LIFTED_BY_CAPTCHA and is_human()):
            uncount(failures + holds)
            THROTTLED.add({"limit": counter.name})
            raise ThrottledError(retry_after_seconds=counter.seconds_left())
    return failures, holds


def _is_known_account(failures: list[Count]) -> bool:
    """Return whether the visitor is logged in, and this attempt is the only one of the account that counts."""
    return any(count.counter.name == "account" and count.is_first for count in failures)


def _counters(request: HttpRequest, limits: ThrottleSettings, account: str) -> Iterator[Counter]:
    for name, who in _subjects(request, limits):
        text: str | None = getattr(limits, name)
        if text is not None and who:
            yield Counter.now(name, who, Limit.parse(text), account)


def _subjects(request: HttpRequest, limits: ThrottleSettings) -> Iterator[tuple[str, str]]:
    """Yield the name of each limit with whom it counts: empty if the visitor has no session, no account."""
    session, user = getattr(request, "session", None), getattr(request, "user", None)
    address = address_of(request.META, limits.trusted_proxies, limits.proxy_header)
    yield "session", (session and session.session_key) or ""
    yield "account", str(user.pk) if user is not None and user.is_authenticated else ""
    yield "address", address
    yield "holds", address
    yield "everyone", "everyone"


def _solved_captcha(request: HttpRequest, limits: ThrottleSettings) -> bool:
    """Ask the callable of the shop; if it raises, no captcha was solved."""
    if not limits.captcha:
        return False
    solved: Callable[[HttpRequest], object] = import_string(limits.captcha)
    try:
        return solved(request) is True
    except Exception as error:
        RunningEvents.captcha_failed.log(callable=limits.captcha, exception=type(error).__name__)
        return False
