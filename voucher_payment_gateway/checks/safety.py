"""Checks of the settings that guard codes and money: sealing, throttle, connection, durations."""

from django.conf import settings
from django.core.cache import InvalidCacheBackendError, caches

from voucher_payment_gateway.api.arguments import read_certificates
from voucher_payment_gateway.checks.catalogue import Messages, imported, report
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.throttle import counts_exactly, is_shared

__all__ = ["CHECKS"]

MIN_GRACE_SECONDS = 300

SAMPLE_CODES = ("ABCD-1234", "abcd 1234", "1", "-", "Ä😀")
"""Codes that a visitor may type: a normaliser must return a text for each."""


def _normaliser(given: GatewaySettings) -> Messages:
    normalise = imported(given.CODE_NORMALISER) if given.CODE_NORMALISER else None
    if not callable(normalise):
        return
    for code in SAMPLE_CODES:
        try:
            outcome = type(normalise(code)).__name__
        except Exception as error:
            outcome = type(error).__name__
        if outcome != "str":
            yield report("E020", "no_text", code=code, outcome=outcome)
            return


def _ca_file(given: GatewaySettings) -> Messages:
    if not given.CA_FILE:
        return
    try:
        read_certificates(given.CA_FILE)
    except ValueError:
        yield report("E023", "no_certificate")


def _sealing(given: GatewaySettings) -> Messages:
    if not given.SEALING_KEYS:
        yield report("W015", "no_key")


def _throttle(given: GatewaySettings) -> Messages:
    if given.THROTTLE is None:
        return
    path, alias = given.THROTTLE.captcha, given.THROTTLE.cache
    if path and not callable(imported(path)):
        yield report("E021", "no_captcha", path=path)
    try:
        cache = caches[alias]
    except InvalidCacheBackendError:
        yield report("E021", "no_cache", alias=alias)
        return
    if is_shared(cache) and not counts_exactly(cache):
        yield report("W031", "not_exact", alias=alias)
    elif not (is_shared(cache) or settings.DEBUG or given.ENVIRONMENT == "local"):
        yield report("W030", "not_shared", alias=alias)


def _grace(given: GatewaySettings) -> Messages:
    if given.REFUND_GRACE_SECONDS < MIN_GRACE_SECONDS:
        yield report("W017", "short", minimum=MIN_GRACE_SECONDS)


def _local(given: GatewaySettings) -> Messages:
    if given.ENVIRONMENT == "local" and not settings.DEBUG:
        yield report("W019", "no_debug")


def _time_zones(given: GatewaySettings) -> Messages:
    if not settings.USE_TZ:
        yield report("E026", "off")


CHECKS = (_time_zones, _normaliser, _ca_file, _sealing, _throttle, _grace, _local)
