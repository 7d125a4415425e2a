"""Checks that matter in production alone: ``manage.py check --deploy``."""

from django.conf import settings
from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.dummy import DummyCache

from voucher_payment_gateway.checks.catalogue import Messages, report
from voucher_payment_gateway.checks.safety import is_local
from voucher_payment_gateway.checks.site import has_checkout
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.throttle import counts_exactly, is_shared

__all__ = ["CHECKS"]

COOKIE_SESSIONS = "django.contrib.sessions.backends.signed_cookies"


def _local(given: GatewaySettings) -> Messages:
    if is_local(given):
        yield report("E028", "local")


def _instance(given: GatewaySettings) -> Messages:
    if not given.INSTANCE:
        yield report("W033", "no_name")


def _counters(given: GatewaySettings) -> Messages:
    if given.THROTTLE is None:
        return
    try:
        cache = caches[given.THROTTLE.cache]
    except InvalidCacheBackendError:  # reported by E021
        return
    if isinstance(cache, DummyCache):
        yield report("W030", "keeps_nothing", alias=given.THROTTLE.cache)
    elif not is_shared(cache):
        yield report("W030", "not_shared", alias=given.THROTTLE.cache)
    elif not counts_exactly(cache):
        yield report("W031", "not_exact", alias=given.THROTTLE.cache)


def _rate(given: GatewaySettings) -> Messages:
    if given.REQUESTS_PER_SECOND is not None and not is_shared(caches["default"]):
        yield report("W074", "not_shared")


def _sessions(given: GatewaySettings) -> Messages:
    is_limited = given.THROTTLE is not None and given.THROTTLE.session is not None
    if is_limited and has_checkout() and settings.SESSION_ENGINE == COOKIE_SESSIONS:
        yield report("W039", "in_cookies")


CHECKS = (_local, _instance, _counters, _rate, _sessions)
