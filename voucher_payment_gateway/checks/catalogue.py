"""The numbered system checks: what each is about, its messages, and its cure. A number is never used again."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from django.core import checks
from django.utils.module_loading import import_string

from voucher_payment_gateway.conf import NAME

__all__ = ["CATALOGUE", "NUMBERS", "Messages", "imported", "mistake", "report"]

Messages = Iterator[checks.CheckMessage]


class Check(NamedTuple):
    """One number. E is an error, W a warning."""

    cure: str
    keys: tuple[str, ...] = ()
    """The settings whose wrong values ``conf.problems`` reports; it words those messages itself."""
    messages: Mapping[str, str] = MappingProxyType({})
    """The messages of our own checks, by a name for ``report``."""


CATALOGUE: Final = {
    "E001": Check(
        keys=("",),
        messages={"missing": "{NAME} is missing."},
        cure=f'Add {NAME} = {{"ENVIRONMENT": …, "CLIENT_ID": …, "CLIENT_SECRET": …, "ORDER_MODEL": …}} '
        "to the settings.",
    ),
    "E002": Check("Remove it, or correct its spelling: docs/reference/settings.md lists every key."),
    "E003": Check(keys=("ENVIRONMENT",), cure='Set it to "production", "sandbox" or "local".'),
    "E004": Check(
        keys=("CLIENT_ID", "CLIENT_SECRET", "CLIENT_TYPE"),
        cure="Take them from the Voucher Cloud's admin interface; CLIENT_SECRET may be a callable that returns it.",
    ),
    "E005": Check(
        keys=("BASE_URL", "TOKEN_URL"),
        cure="Use an https address. Leave it out to use that of the environment.",
    ),
    "E006": Check(
        keys=("TIMEOUT_SECONDS", "DEADLINE_SECONDS"),
        cure="Give seconds above zero; the deadline covers a whole call, so it is at least the timeout.",
    ),
    "E007": Check(
        keys=("ORDER_MODEL",),
        messages={"unknown": "{NAME}: ORDER_MODEL: there is no model {model!r}."},
        cure='Name the model of your orders, such as "shop.Order", and have its app in INSTALLED_APPS.',
    ),
    "E008": Check(
        keys=("ORDER_FIELDS",),
        messages={
            "unknown": "{NAME}: ORDER_FIELDS.{key}: {model} has no {name!r}.",
            "no_column": "{NAME}: ORDER_FIELDS.number: {name!r} is no column, so no order is found by it.",
        },
        cure='Map "number", "total" and "currency" to fields or properties of the order model.',
    ),
    "E009": Check(
        keys=("ORDER_ADAPTER",),
        messages={
            "no_adapter": "{NAME}: ORDER_ADAPTER: {path!r} is not an OrderAdapter.",
            "no_lookup": "{NAME}: ORDER_ADAPTER: {path!r} overrides number() but not lookup().",
        },
        cure="Name a subclass of voucher_payment_gateway.orders.OrderAdapter by its dotted path.",
    ),
    "E010": Check(
        keys=("EVENTS",),
        messages={"no_signal": "{NAME}: EVENTS.{verb}: {path!r} is not a signal that can be imported."},
        cure='Map "authorize", "capture", "refund" or "cancel" to the dotted path of a django.dispatch.Signal.',
    ),
    "E011": Check(
        keys=("ON_STATUS",),
        messages={"unknown": "{NAME}: ON_STATUS.field: {model} has no {name!r}."},
        cure='Give {"field": "status", "capture": ["shipped"], …} with a field of the order model.',
    ),
    "E012": Check(
        keys=("CHECKOUT_ORDER",),
        messages={"no_callable": "{NAME}: CHECKOUT_ORDER: {path!r} is not a callable that can be imported."},
        cure="Name a callable by its dotted path: it takes the request and returns the visitor's order, or None.",
    ),
    "E013": Check(
        keys=("CAPTURE", "REFUND_ORDER", "TAXABLE_VOUCHERS", "TOTAL_AFTER_RETURN"),
        cure="Use one of the values that docs/reference/settings.md lists.",
    ),
    "E014": Check(
        keys=("SEALING_KEYS",),
        cure="Make a key with cryptography.fernet.Fernet.generate_key() and put new keys in front of old ones.",
    ),
    "W015": Check(
        messages={"no_key": "{NAME}: SEALING_KEYS: no key is set."},
        cure="Without one no code is stored: a lapsed reservation needs the customer again, and select() is refused.",
    ),
    "E016": Check(
        keys=("SELECTED_HOURS", "CONFIRMED_DAYS", "REFUND_GRACE_SECONDS", "LIST_LAG_SECONDS"),
        cure="Give a number above zero.",
    ),
    "W017": Check(
        messages={"short": "{NAME}: REFUND_GRACE_SECONDS: below {minimum} money can be lost."},
        cure="A refund that the Voucher Cloud carries out later than this would be made twice; 900 is safe.",
    ),
    "E018": Check(
        keys=("ERROR_MEANINGS", "API_BEHAVIOUR"),
        cure="See docs/reference/settings.md for the keys and their values.",
    ),
    "W019": Check(
        messages={"no_debug": '{NAME}: ENVIRONMENT: "local" while DEBUG is off.'},
        cure='ENVIRONMENT "local" is for development and tests; use "production" or "sandbox", or turn DEBUG on.',
    ),
    "E020": Check(
        keys=("CODE_PATTERN", "CODE_NORMALISER"),
        messages={
            "no_callable": "{NAME}: CODE_NORMALISER: {path!r} is not a callable that can be imported.",
            "no_text": "{NAME}: CODE_NORMALISER: {code!r} gives {outcome}, not a text.",
        },
        cure="Give a regular expression, and the dotted path of a callable from text to text.",
    ),
    "E021": Check(
        keys=("THROTTLE", "RENEW_HOLDS", "CANCEL_RESERVATION_CALL", "INSTANCE"),
        messages={
            "no_captcha": "{NAME}: THROTTLE.captcha: {path!r} is not a callable that can be imported.",
            "no_cache": "{NAME}: THROTTLE.cache: there is no cache {alias!r} in CACHES.",
        },
        cure="See docs/reference/settings.md for the type of this key.",
    ),
    "E022": Check(
        messages={"no_index": "The database {alias!r} has no partial indexes, which guard the money."},
        cure="Use PostgreSQL or SQLite.",
    ),
    "E023": Check(
        keys=("CA_FILE",),
        messages={"no_certificate": "{NAME}: CA_FILE: no certificate can be read from this file."},
        cure="Name a PEM file with the certificate authorities to trust, or leave it out to trust the usual ones.",
    ),
    "E024": Check(
        messages={
            "apart": "{NAME}: ORDER_MODEL: orders are in the database {orders!r}, payments in {payments!r}."
        },
        cure="Let your router keep both in one: otherwise a rollback of an order does not take its charge back.",
    ),
    "E025": Check(keys=("VOUCHERS_PER_ORDER",), cure="Give a whole number from 1 to 100."),
    "E026": Check(
        messages={"off": "USE_TZ is off."},
        cure="Set USE_TZ = True: every instant is kept with its time zone.",
    ),
    "E045": Check(
        keys=("PROXY_URL",),
        cure="Give the address of the proxy, such as http://proxy.example:3128, or leave it out to call directly.",
    ),
    "W030": Check(
        messages={"not_shared": "{NAME}: THROTTLE.cache: {alias!r} is not shared by all processes."},
        cure="Name a cache in Redis or Memcached, or divide the limits by the number of processes.",
    ),
    "W031": Check(
        messages={"not_exact": "{NAME}: THROTTLE.cache: {alias!r} does not count exactly."},
        cure="Name a cache in Redis or Memcached: in this one, attempts at the same moment may be counted as one.",
    ),
    "W032": Check(
        messages={"not_unique": "{NAME}: ORDER_FIELDS.number: {name!r} of {model} is not unique."},
        cure="Make it unique, or set ORDER_ADAPTER with a number that is, such as one with the store in front: orders "
        "with the same number share their payments.",
    ),
    "W033": Check(
        messages={"no_name": "{NAME}: INSTANCE: is not set."},
        cure='Name this installation, such as "production": a copy of its database then sends nothing.',
    ),
}

NUMBERS: Final = {key: number for number, check in CATALOGUE.items() for key in check.keys}
"""The number for a wrong value of each key."""

UNKNOWN_KEY: Final = "E002"


def mistake(key: str, sentence: str) -> checks.CheckMessage:
    """Return the check message for a wrong value of ``key``, as ``conf.problems`` words it."""
    text = f"{NAME}: {sentence}" if key else sentence
    return _message(NUMBERS.get(key, UNKNOWN_KEY), text)


def report(number: str, message: str, /, **values: object) -> checks.CheckMessage:
    """Return one of the messages in the catalogue, with its values filled in."""
    return _message(number, CATALOGUE[number].messages[message].format(NAME=NAME, **values))


def _message(number: str, text: str) -> checks.CheckMessage:
    kind = checks.Error if number.startswith("E") else checks.Warning
    return kind(text, hint=CATALOGUE[number].cure, id=f"voucher_payment_gateway.{number}")


def imported(path: str) -> object:
    """Return what the dotted ``path`` names, or None where it cannot be imported."""
    try:
        return import_string(path)
    except ImportError:
        return None
