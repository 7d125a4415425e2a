"""Checks of the settings that guard codes and money: sealing, throttle, connection, durations."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import InvalidCacheBackendError, caches
from django.http import HttpRequest

from voucher_payment_gateway.api.arguments import read_certificates
from voucher_payment_gateway.checks.catalogue import Messages, report
from voucher_payment_gateway.checks.dotted import TAKES_OTHER, call_problem, look_up
from voucher_payment_gateway.conf import GatewaySettings

__all__ = ["CHECKS"]

MIN_GRACE_SECONDS = 300

SAMPLE_CODES = ("ABCD-1234", "abcd 1234", "1", "-", "Ä😀")
"""Codes that a visitor may type: a normaliser must return a text for each."""


def _accounts(given: GatewaySettings) -> list[GatewaySettings]:
    """Return the settings of each merchant account; of the shop where it has one."""
    return [given.of_account(name) for name in given.account_names]


def is_local(given: GatewaySettings) -> bool:
    """Return whether an account uses the local Voucher Cloud."""
    return any(account.ENVIRONMENT == "local" for account in _accounts(given))


def _secret(given: GatewaySettings) -> Messages:
    for account in _accounts(given):
        if callable(account.CLIENT_SECRET) and (problem := call_problem(account.CLIENT_SECRET)):
            yield report("E004", "wrong_call", problem=problem)


def _version(given: GatewaySettings) -> Messages:
    """Without its version an address may answer as if each voucher were unknown."""
    addresses = {account.BASE_URL for account in _accounts(given)} - {""}
    if any(not re.search(r"/v[0-9]+$", urlsplit(address).path) for address in addresses):
        yield report("W036", "no_version")


def _normaliser(given: GatewaySettings) -> Messages:
    path = given.CODE_NORMALISER
    if not path:
        return
    found = look_up(path)
    normalise = found.value
    if not callable(normalise):
        yield report("E020", "no_callable", path=path, problem=found.what)
        return
    if problem := call_problem(normalise, SAMPLE_CODES[0]):
        yield report(
            "E020", "not_alone" if problem == TAKES_OTHER else "wrong_call", path=path, problem=problem
        )
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
    if not given.SEALING_KEYS and not given.SOLD_VOUCHERS:  # which is an error
        yield report("W015", "no_key")


def _throttle(given: GatewaySettings) -> Messages:
    if given.THROTTLE is None:
        return
    path, alias = given.THROTTLE.captcha, given.THROTTLE.cache
    if path:
        yield from _captcha(path)
    try:
        caches[alias]
    except InvalidCacheBackendError:
        yield report("E021", "no_cache", alias=alias)


def _captcha(path: str) -> Messages:
    found = look_up(path)
    if not callable(found.value):
        yield report("E021", "no_captcha", path=path, problem=found.what)
    elif isinstance(found.value, type):
        yield report("E021", "wrong_call", path=path, problem="is a class: it never returns True")
    elif problem := call_problem(found.value, HttpRequest()):
        yield report("E021", "wrong_call", path=path, problem=problem)


def _grace(given: GatewaySettings) -> Messages:
    if given.REFUND_GRACE_SECONDS < MIN_GRACE_SECONDS:
        yield report("W017", "short", minimum=MIN_GRACE_SECONDS)


def _local(given: GatewaySettings) -> Messages:
    if is_local(given) and not settings.DEBUG:
        yield report("W019", "no_debug")


def _time_zones(given: GatewaySettings) -> Messages:
    if not settings.USE_TZ:
        yield report("E026", "off")


CHECKS = (_time_zones, _secret, _version, _normaliser, _ca_file, _sealing, _throttle, _grace, _local)
