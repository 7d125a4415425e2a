"""What guards codes and money: sealing, throttle, connection, durations."""

import ssl

from django.conf import settings
from django.core.cache import InvalidCacheBackendError, caches

from voucher_payment_gateway.checks.catalogue import Messages, message, mistake
from voucher_payment_gateway.checks.importing import imported
from voucher_payment_gateway.conf import NAME, GatewaySettings
from voucher_payment_gateway.throttle import counts_exactly, is_shared

__all__ = ["CHECKS"]

SHORTEST_GRACE_SECONDS = 300

TYPED = ("ABCD-1234", "abcd 1234", "1", "-", "Ä😀")
"""What a visitor may type as a code: a normaliser has to bear it."""


def _normaliser(given: GatewaySettings) -> Messages:
    normalise = imported(given.CODE_NORMALISER) if given.CODE_NORMALISER else None
    if not callable(normalise):
        return
    for typed in TYPED:
        try:
            outcome = type(normalise(typed)).__name__
        except Exception as error:
            outcome = type(error).__name__
        if outcome != "str":
            yield mistake(
                "CODE_NORMALISER", f"{NAME}: CODE_NORMALISER: {typed!r} gives {outcome}, not a text."
            )
            return


def _ca_file(given: GatewaySettings) -> Messages:
    if given.CA_FILE and not _is_certificate_file(given.CA_FILE):
        yield mistake("CA_FILE", f"{NAME}: CA_FILE: no certificate can be read from this file.")


def _is_certificate_file(path: str) -> bool:
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError):  # an SSLError is an OSError
        return False
    return True


def _sealing(given: GatewaySettings) -> Messages:
    if not given.SEALING_KEYS:
        yield message("W015", f"{NAME}: SEALING_KEYS: no key is set.")


def _throttle(given: GatewaySettings) -> Messages:
    if given.THROTTLE is None:
        return
    path, alias = given.THROTTLE.captcha, given.THROTTLE.cache
    if path and not callable(imported(path)):
        yield mistake(
            "THROTTLE", f"{NAME}: THROTTLE.captcha: {path!r} is not a callable that can be imported."
        )
    try:
        cache = caches[alias]
    except InvalidCacheBackendError:
        yield mistake("THROTTLE", f"{NAME}: THROTTLE.cache: there is no cache {alias!r} in CACHES.")
        return
    if is_shared(cache) and not counts_exactly(cache):
        yield message("W031", f"{NAME}: THROTTLE.cache: {alias!r} does not count exactly.")
    elif not (is_shared(cache) or settings.DEBUG or given.ENVIRONMENT == "local"):
        yield message("W030", f"{NAME}: THROTTLE.cache: {alias!r} is not shared by all processes.")


def _grace(given: GatewaySettings) -> Messages:
    if given.REFUND_GRACE_SECONDS < SHORTEST_GRACE_SECONDS:
        yield message(
            "W017", f"{NAME}: REFUND_GRACE_SECONDS: below {SHORTEST_GRACE_SECONDS} money can be lost."
        )


def _local(given: GatewaySettings) -> Messages:
    if given.ENVIRONMENT == "local" and not settings.DEBUG:
        yield message("W019", f'{NAME}: ENVIRONMENT: "local" while DEBUG is off.')


def _time_zones(given: GatewaySettings) -> Messages:
    if not settings.USE_TZ:
        yield message("E026", "USE_TZ is off.")


CHECKS = (_time_zones, _normaliser, _ca_file, _sealing, _throttle, _grace, _local)
