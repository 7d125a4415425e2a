"""A numbered system check for each mistake in the settings. A number is never used for another mistake.

E001  the settings dict is missing or no dict      E010  EVENTS
E002  a key that is not a setting                  E011  ON_STATUS
E003  ENVIRONMENT                                  E012  CHECKOUT_ORDER
E004  CLIENT_ID, CLIENT_SECRET, CLIENT_TYPE        E013  CAPTURE, REFUND_ORDER, TAXABLE_VOUCHERS
E005  BASE_URL, TOKEN_URL                          E014  SEALING_KEYS
E006  TIMEOUT_SECONDS, DEADLINE_SECONDS            W015  no SEALING_KEYS
E007  ORDER_MODEL                                  E016  durations
E008  ORDER_FIELDS                                 W017  REFUND_GRACE_SECONDS is short
E009  ORDER_ADAPTER                                E018  ERROR_MEANINGS, API_BEHAVIOUR
W019  the local Voucher Cloud without DEBUG        E020  CODE_PATTERN, CODE_NORMALISER
E021  THROTTLE, RENEW_HOLDS, CANCEL_RESERVATION_CALL
E022  a database that cannot guard the money           E023  CA_FILE
W030  THROTTLE counts in each process by itself        W031  THROTTLE counts not exactly
"""

import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.cache import InvalidCacheBackendError, caches
from django.core.exceptions import FieldDoesNotExist
from django.db import connections
from django.dispatch import Signal
from django.utils.module_loading import import_string

from voucher_payment_gateway import conf
from voucher_payment_gateway.conf import NAME, GatewaySettings
from voucher_payment_gateway.orders import OrderAdapter
from voucher_payment_gateway.throttle import counts_exactly, is_shared

__all__ = ["check_databases", "check_settings", "register"]

SHORTEST_GRACE_SECONDS = 300

TYPED = ("ABCD-1234", "abcd 1234", "1", "-", "Ä😀")
"""What a visitor may type as a code: a normaliser has to bear it."""

NUMBERS = {
    "": "E001",
    "ENVIRONMENT": "E003",
    "CLIENT_ID": "E004",
    "CLIENT_SECRET": "E004",
    "CLIENT_TYPE": "E004",
    "BASE_URL": "E005",
    "TOKEN_URL": "E005",
    "TIMEOUT_SECONDS": "E006",
    "CA_FILE": "E023",
    "DEADLINE_SECONDS": "E006",
    "ORDER_MODEL": "E007",
    "ORDER_FIELDS": "E008",
    "ORDER_ADAPTER": "E009",
    "EVENTS": "E010",
    "ON_STATUS": "E011",
    "CHECKOUT_ORDER": "E012",
    "CAPTURE": "E013",
    "REFUND_ORDER": "E013",
    "TAXABLE_VOUCHERS": "E013",
    "SEALING_KEYS": "E014",
    "SELECTED_HOURS": "E016",
    "REFUND_GRACE_SECONDS": "E016",
    "LIST_LAG_SECONDS": "E016",
    "ERROR_MEANINGS": "E018",
    "API_BEHAVIOUR": "E018",
    "CODE_PATTERN": "E020",
    "CODE_NORMALISER": "E020",
    "THROTTLE": "E021",
    "RENEW_HOLDS": "E021",
    "CANCEL_RESERVATION_CALL": "E021",
}
UNKNOWN_KEY = "E002"

HINTS = {
    "E001": f'Add {NAME} = {{"ENVIRONMENT": …, "CLIENT_ID": …, "CLIENT_SECRET": …, "ORDER_MODEL": …}} to the settings.',
    "E002": "Remove it, or correct its spelling: docs/reference/settings.md lists every key.",
    "E003": 'Set it to "production", "sandbox" or "local".',
    "E004": "Take them from the Voucher Cloud's admin interface; CLIENT_SECRET may be a callable that returns it.",
    "E005": "Use an https address. Leave it out to use that of the environment.",
    "E006": "Give seconds above zero; the deadline covers a whole call, so it is at least the timeout.",
    "E007": 'Name the model of your orders, such as "shop.Order", and have its app in INSTALLED_APPS.',
    "E008": 'Map "number", "total" and "currency" to fields or properties of the order model.',
    "E009": "Name a subclass of voucher_payment_gateway.orders.OrderAdapter by its dotted path.",
    "E010": 'Map "authorize", "capture", "refund" or "cancel" to the dotted path of a django.dispatch.Signal.',
    "E011": 'Give {"field": "status", "capture": ["shipped"], …} with a field of the order model.',
    "E012": "Name a callable by its dotted path: it takes the request and returns the visitor's order, or None.",
    "E013": "Use one of the values that docs/reference/settings.md lists.",
    "E014": "Make a key with cryptography.fernet.Fernet.generate_key() and put new keys in front of old ones.",
    "W015": "Without one no code is stored: a lapsed reservation needs the customer again, and select() is refused.",
    "E016": "Give a number above zero.",
    "W017": "A refund that the Voucher Cloud carries out later than this would be made twice; 900 is safe.",
    "E018": "See docs/reference/settings.md for the keys and their values.",
    "W019": 'ENVIRONMENT "local" is for development and tests; use "production" or "sandbox", or turn DEBUG on.',
    "E020": "Give a regular expression, and the dotted path of a callable from text to text.",
    "E021": "See docs/reference/settings.md for the type of this key.",
    "E022": "Use PostgreSQL or SQLite.",
    "W030": "Name a cache in Redis or Memcached, or divide the limits by the number of processes.",
    "W031": "Name a cache in Redis or Memcached: in this one, attempts at the same moment may be counted as one.",
    "E023": "Name a PEM file with the certificate authorities to trust, or leave it out to trust the usual ones.",
}


def register() -> None:
    """Add the checks to Django's own."""
    checks.register(check_settings)
    checks.register(check_databases, checks.Tags.database)


def check_settings(app_configs: object = None, **_: object) -> list[checks.CheckMessage]:
    """Report every mistake in ``VOUCHER_PAYMENT_GATEWAY``; no value of a setting is repeated."""
    raw = getattr(settings, NAME, None)
    if raw is None:
        return [_error("", f"{NAME} is missing.")]
    found = conf.problems(raw)
    if found:
        return [_error(key, f"{NAME}: {sentence}" if key else sentence) for key, sentence in found]
    gateway_settings = GatewaySettings.model_validate(raw)
    return [message for check in CHECKS for message in check(gateway_settings)]


def check_databases(databases: Iterable[str] | None = None, **_: object) -> list[checks.CheckMessage]:
    """Report a database that has no partial unique indexes: they are what keeps two workers apart."""
    return [
        _message("E022", f"The database {alias!r} has no partial indexes, which guard the money.")
        for alias in databases or ()
        if not connections[alias].features.supports_partial_indexes
    ]


def _order_model(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    try:
        apps.get_model(given.ORDER_MODEL)
    except LookupError:
        yield _error("ORDER_MODEL", f"{NAME}: ORDER_MODEL: there is no model {given.ORDER_MODEL!r}.")


def _order_fields(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    model = _model(given)
    if model is None or GatewaySettings.model_fields["ORDER_ADAPTER"].default != given.ORDER_ADAPTER:
        return
    for key, path in given.ORDER_FIELDS:
        first = path.split(".")[0]
        if not _has(model, first):
            yield _error("ORDER_FIELDS", f"{NAME}: ORDER_FIELDS.{key}: {given.ORDER_MODEL} has no {first!r}.")
    number = given.ORDER_FIELDS.number.split(".")[0]
    if _is_column(model, "voucher_reservation_ids") and _has(model, number) and not _is_column(model, number):
        yield _error(
            "ORDER_FIELDS",
            f"{NAME}: ORDER_FIELDS.number: {number!r} is no column, so no order is found by it.",
        )


def _order_adapter(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    adapter = _imported(given.ORDER_ADAPTER)
    if not (isinstance(adapter, type) and issubclass(adapter, OrderAdapter)):
        yield _error(
            "ORDER_ADAPTER", f"{NAME}: ORDER_ADAPTER: {given.ORDER_ADAPTER!r} is not an OrderAdapter."
        )
    elif adapter.number is not OrderAdapter.number and adapter.lookup is OrderAdapter.lookup:
        yield _error(
            "ORDER_ADAPTER",
            f"{NAME}: ORDER_ADAPTER: {given.ORDER_ADAPTER!r} overrides number() but not lookup().",
        )


def _events(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    for verb, paths in given.events.items():
        for path in paths:
            if not isinstance(_imported(path), Signal):
                yield _error(
                    "EVENTS", f"{NAME}: EVENTS.{verb}: {path!r} is not a signal that can be imported."
                )


def _on_status(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    model, field = _model(given), given.ON_STATUS.get("field")
    if model is not None and field and not _has(model, str(field)):
        yield _error("ON_STATUS", f"{NAME}: ON_STATUS.field: {given.ORDER_MODEL} has no {field!r}.")


def _callables(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    for key in ("CHECKOUT_ORDER", "CODE_NORMALISER"):
        path = getattr(given, key)
        if path and not callable(_imported(path)):
            yield _error(key, f"{NAME}: {key}: {path!r} is not a callable that can be imported.")


def _normaliser(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    normalise = _imported(given.CODE_NORMALISER) if given.CODE_NORMALISER else None
    if not callable(normalise):
        return
    for typed in TYPED:
        try:
            outcome = type(normalise(typed)).__name__
        except Exception as error:
            outcome = type(error).__name__
        if outcome != "str":
            yield _error(
                "CODE_NORMALISER", f"{NAME}: CODE_NORMALISER: {typed!r} gives {outcome}, not a text."
            )
            return


def _ca_file(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    if given.CA_FILE and not _is_certificate_file(given.CA_FILE):
        yield _error("CA_FILE", f"{NAME}: CA_FILE: no certificate can be read from this file.")


def _is_certificate_file(path: str) -> bool:
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError):  # an SSLError is an OSError
        return False
    return True


def _sealing(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    if not given.SEALING_KEYS:
        yield _message("W015", f"{NAME}: SEALING_KEYS: no key is set.")


def _throttle(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    if given.THROTTLE is None:
        return
    path, alias = given.THROTTLE.captcha, given.THROTTLE.cache
    if path and not callable(_imported(path)):
        yield _error(
            "THROTTLE", f"{NAME}: THROTTLE.captcha: {path!r} is not a callable that can be imported."
        )
    try:
        cache = caches[alias]
    except InvalidCacheBackendError:
        yield _error("THROTTLE", f"{NAME}: THROTTLE.cache: there is no cache {alias!r} in CACHES.")
        return
    if is_shared(cache) and not counts_exactly(cache):
        yield _message("W031", f"{NAME}: THROTTLE.cache: {alias!r} does not count exactly.")
    elif not (is_shared(cache) or settings.DEBUG or given.ENVIRONMENT == "local"):
        yield _message("W030", f"{NAME}: THROTTLE.cache: {alias!r} is not shared by all processes.")


def _grace(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    if given.REFUND_GRACE_SECONDS < SHORTEST_GRACE_SECONDS:
        yield _message(
            "W017", f"{NAME}: REFUND_GRACE_SECONDS: below {SHORTEST_GRACE_SECONDS} money can be lost."
        )


def _local(given: GatewaySettings) -> Iterator[checks.CheckMessage]:
    if given.ENVIRONMENT == "local" and not settings.DEBUG:
        yield _message("W019", f'{NAME}: ENVIRONMENT: "local" while DEBUG is off.')


CHECKS: list[Callable[[GatewaySettings], Iterator[checks.CheckMessage]]] = [
    _order_model,
    _order_fields,
    _order_adapter,
    _events,
    _on_status,
    _callables,
    _normaliser,
    _ca_file,
    _sealing,
    _throttle,
    _grace,
    _local,
]


def _error(key: str, sentence: str) -> checks.CheckMessage:
    return _message(NUMBERS.get(key, UNKNOWN_KEY), sentence)


def _message(number: str, sentence: str) -> checks.CheckMessage:
    kind = checks.Error if number.startswith("E") else checks.Warning
    return kind(sentence, hint=HINTS[number], id=f"voucher_payment_gateway.{number}")


def _model(given: GatewaySettings) -> Any:
    try:
        return apps.get_model(given.ORDER_MODEL)
    except LookupError:
        return None


def _has(model: Any, name: str) -> bool:
    return _is_column(model, name) or hasattr(model, name)


def _is_column(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def _imported(path: str) -> object:
    try:
        return import_string(path)
    except ImportError:
        return None
