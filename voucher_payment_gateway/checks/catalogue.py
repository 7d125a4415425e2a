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
E024  orders and payments in two databases             E025  VOUCHERS_PER_ORDER
E026  USE_TZ is off
W030  THROTTLE counts in each process by itself        W031  THROTTLE counts not exactly
"""

from collections.abc import Iterator

from django.core import checks

from voucher_payment_gateway.conf import NAME

__all__ = ["HINTS", "NUMBERS", "Messages", "message", "mistake"]

Messages = Iterator[checks.CheckMessage]

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
    "VOUCHERS_PER_ORDER": "E025",
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
    "E026": "Set USE_TZ = True: every instant is kept with its time zone.",
    "E024": "Let your router keep both in one: otherwise a rollback of an order does not take its charge back.",
    "E025": "Give a whole number from 1 to 100.",
    "E023": "Name a PEM file with the certificate authorities to trust, or leave it out to trust the usual ones.",
}


def mistake(key: str, sentence: str) -> checks.CheckMessage:
    """Return the check message about a wrong value of ``key``."""
    return message(NUMBERS.get(key, UNKNOWN_KEY), sentence)


def message(number: str, sentence: str) -> checks.CheckMessage:
    """Return the check message of this number, with its cure."""
    kind = checks.Error if number.startswith("E") else checks.Warning
    return kind(sentence, hint=HINTS[number], id=f"voucher_payment_gateway.{number}")
