"""The numbered system checks: what each is about, its messages, and its cure. A number is never used again."""

from collections.abc import Iterator
from typing import Final

from django.core import checks

from voucher_payment_gateway.checks.catalogue_books import BOOKS
from voucher_payment_gateway.checks.catalogue_running import RUNNING
from voucher_payment_gateway.checks.catalogue_selling import SELLING
from voucher_payment_gateway.checks.catalogue_staff import STAFF
from voucher_payment_gateway.checks.check import SETTINGS, Check
from voucher_payment_gateway.conf import NAME
from voucher_payment_gateway.docs_url import DOCUMENTATION, docs_url

__all__ = ["CATALOGUE", "NUMBERS", "Messages", "mistake", "report"]

Messages = Iterator[checks.CheckMessage]

CATALOGUE: Final = {
    "E001": Check(
        keys=("",),
        messages={"missing": "{NAME} is missing."},
        cure=f'Add {NAME} = {{"ENVIRONMENT": …, "CLIENT_ID": …, "CLIENT_SECRET": …, "ORDER_MODEL": …}} '
        "to the settings.",
    ),
    "E002": Check(f"Remove it, or correct its spelling: {SETTINGS} lists every key."),
    "E003": Check(keys=("ENVIRONMENT",), cure='Set it to "production", "sandbox" or "local".'),
    "E004": Check(
        keys=("CLIENT_ID", "CLIENT_SECRET", "CLIENT_TYPE"),
        messages={"wrong_call": "{NAME}: CLIENT_SECRET: the callable {problem}."},
        cure="Take them from the Voucher Cloud's admin interface; CLIENT_SECRET may be a callable without "
        "arguments that returns it.",
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
        messages={"unknown": "{NAME}: ORDER_MODEL: there is no model {model!r}{hint}."},
        cure='Name the model of your orders, such as "shop.Order", and have its app in INSTALLED_APPS.',
    ),
    "E008": Check(
        keys=("ORDER_FIELDS",),
        messages={
            "unknown": "{NAME}: ORDER_FIELDS.{key}: {model} has no {name!r}{hint}.",
            "no_column": "{NAME}: ORDER_FIELDS.number: {name!r} is no column, so no order is found by it.",
            "no_number": "{NAME}: ORDER_FIELDS.number: {name!r} of {model} holds {content}, not texts.",
            "no_total": "{NAME}: ORDER_FIELDS.total: {name!r} of {model} holds {content}, not decimal numbers.",
            "no_currency": "{NAME}: ORDER_FIELDS.currency: {name!r} of {model} holds {content}, not texts such "
            'as "EUR".',
            "no_created": "{NAME}: ORDER_FIELDS.created: {name!r} of {model} holds {content}, not instants.",
        },
        cure='Map "number", "total" and "currency" to fields or properties of the order model, or to a path such as '
        '"total.amount" or "currency.code"; for an order that needs code, set ORDER_ADAPTER: '
        f"{docs_url('how-to/connect-your-order-model')}",
    ),
    "E009": Check(
        keys=("ORDER_ADAPTER",),
        messages={
            "no_adapter": "{NAME}: ORDER_ADAPTER: {path!r} is not an OrderAdapter: {problem}.",
            "wrong_call": "{NAME}: ORDER_ADAPTER: {path!r} {problem}: it is made without any.",
            "no_lookup": "{NAME}: ORDER_ADAPTER: {path!r} overrides number() but not lookup().",
        },
        cure="Name a subclass of voucher_payment_gateway.orders.OrderAdapter by its dotted path.",
    ),
    "E010": Check(
        keys=("EVENTS",),
        messages={
            "no_signal": "{NAME}: EVENTS.{verb}: {path!r} is not a signal that can be imported: {problem}.",
            "foreign": "{NAME}: EVENTS.{verb}: {path!r} is no signal of your shop: it is sent for other "
            "things, without an order.",
        },
        cure="Map a verb to the dotted path of a django.dispatch.Signal of your own, which you send with order=order: "
        '"authorize", "capture", "refund" or "cancel"; for sold gift vouchers "issue", "activate" or "take_back". '
        "For an order that is only saved, set ON_STATUS: "
        f"{docs_url('how-to/drive-payments-by-events')}",
    ),
    "E011": Check(
        keys=("ON_STATUS",),
        messages={
            "unknown": "{NAME}: ON_STATUS.field: {model} has no {name!r}{hint}.",
            "no_choice": "{NAME}: ON_STATUS.{verb}: {name!r} of {model} never is {status!r}{hint}.",
        },
        cure='Give {"field": "status", "capture": ["shipped"], …} with a field of the order model, and values of its '
        "choices.",
    ),
    "E012": Check(
        keys=("CHECKOUT_ORDER",),
        messages={
            "no_callable": "{NAME}: CHECKOUT_ORDER: {path!r} is not a callable that can be imported: {problem}.",
            "wrong_call": "{NAME}: CHECKOUT_ORDER: {path!r} {problem}.",
            "unset": "{NAME}: CHECKOUT_ORDER: is not set, but the URLs of the checkout are included.",
        },
        cure="Name a function by its dotted path: it takes the request alone and returns the visitor's order, or None: "
        f"{docs_url('how-to/add-gift-vouchers-to-your-checkout')}",
    ),
    "E013": Check(
        keys=("CAPTURE", "REFUND_ORDER", "TAXABLE_VOUCHERS", "TOTAL_AFTER_RETURN"),
        cure=f"Use one of the values that {SETTINGS} lists.",
    ),
    "E014": Check(
        keys=("SEALING_KEYS",),
        cure="Make a key with cryptography.fernet.Fernet.generate_key() and put new keys in front of old ones: "
        f"{docs_url('how-to/rotate-sealing-keys')}",
    ),
    "W015": Check(
        messages={"no_key": "{NAME}: SEALING_KEYS: no key is set."},
        cure="Without one no code is stored: a lapsed reservation needs the customer again, and select() is refused.",
    ),
    "E016": Check(
        keys=(
            *("SELECTED_HOURS", "CONFIRMED_DAYS", "REFUND_GRACE_SECONDS", "LIST_LAG_SECONDS"),
            "SETTLE_LATE_MINUTES",
        ),
        cure="Give a number above zero.",
    ),
    "W017": Check(
        messages={"short": "{NAME}: REFUND_GRACE_SECONDS: below {minimum} money can be lost."},
        cure="A refund that the Voucher Cloud carries out later than this would be made twice; 900 is safe.",
    ),
    "E018": Check(
        keys=("ERROR_MEANINGS", "API_BEHAVIOUR"),
        cure=f"See {docs_url('reference/settings#api_behaviour')} for the keys and their values.",
    ),
    "W019": Check(
        messages={"no_debug": '{NAME}: ENVIRONMENT: "local" while DEBUG is off.'},
        cure='ENVIRONMENT "local" is for development and tests; use "production" or "sandbox", or turn DEBUG on.',
    ),
    "E020": Check(
        keys=("CODE_PATTERN", "CODE_NORMALISER"),
        messages={
            "no_callable": "{NAME}: CODE_NORMALISER: {path!r} is not a callable that can be imported: {problem}.",
            "wrong_call": "{NAME}: CODE_NORMALISER: {path!r} {problem}.",
            "not_alone": "{NAME}: CODE_NORMALISER: {path!r} {problem}: it is called with the code alone.",
            "no_text": "{NAME}: CODE_NORMALISER: {code!r} gives {outcome}, not a text.",
        },
        cure="Give a regular expression, and the dotted path of a callable from text to text.",
    ),
    "E021": Check(
        keys=("THROTTLE", "RENEW_HOLDS", "CANCEL_RESERVATION_CALL", "INSTANCE", "SHOW_BALANCE"),
        messages={
            "no_captcha": "{NAME}: THROTTLE.captcha: {path!r} is not a callable that can be imported: {problem}.",
            "wrong_call": "{NAME}: THROTTLE.captcha: {path!r} {problem}.",
            "no_cache": "{NAME}: THROTTLE.cache: there is no cache {alias!r} in CACHES.",
        },
        cure=f"See {SETTINGS} for the type of this key.",
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
    "E025": Check(keys=("VOUCHERS_PER_ORDER", "SETTLE_THREADS"), cure="Give a whole number from 1 to 100."),
    "E026": Check(
        messages={"off": "USE_TZ is off."},
        cure="Set USE_TZ = True: every instant is kept with its time zone.",
    ),
    "E027": Check(
        messages={
            "both": "{NAME}: {key}: {name!r} stands under {taking} and under {giving}: it would {contradiction}."
        },
        cure='Let each status and each signal stand on one side alone: "authorize" and "capture" take the money, '
        '"refund" and "cancel" give it back; "issue" and "activate" sell gift vouchers, "take_back" ends them.',
    ),
    "E028": Check(
        messages={
            "local": '{NAME}: ENVIRONMENT: "local" is for development and tests: no voucher is worth anything.'
        },
        cure='Use "production", or "sandbox" for the vendor\'s sandbox host.',
    ),
    "E029": Check(
        messages={"no_address": "The addresses of the checkout cannot be made: they need arguments."},
        cure="Include voucher_payment_gateway.checkout.urls below a path without arguments, under any namespace.",
    ),
    "E045": Check(
        keys=("PROXY_URL",),
        cure="Give the address of the proxy, such as http://proxy.example:3128, or leave it out to call directly.",
    ),
    "W030": Check(
        messages={
            "not_shared": "{NAME}: THROTTLE.cache: {alias!r} is not shared by all processes.",
            "keeps_nothing": "{NAME}: THROTTLE.cache: {alias!r} keeps nothing: each process counts on its own.",
        },
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
    "W034": Check(
        messages={"nothing": "{NAME}: EVENTS and ON_STATUS: no signal and no status drives a payment."},
        cure=f"Set one of them: {docs_url('how-to/drive-payments-by-events')}. If your code calls the verbs itself, "
        "put this check into SILENCED_SYSTEM_CHECKS.",
    ),
    "W035": Check(
        messages={
            "no_authorize": "{NAME}: {keys}: nothing drives authorize: no order is ever confirmed, and what it was "
            "promised ends after 30 minutes.",
            "no_capture": "{NAME}: {keys}: nothing drives capture: no voucher is ever charged.",
            "no_cancel": "{NAME}: {keys}: nothing drives cancel: a cancelled order keeps what its vouchers hold or "
            "have paid.",
        },
        cure=f"Add it: {docs_url('how-to/drive-payments-by-events')}. If your code calls this verb itself, put this "
        "check into SILENCED_SYSTEM_CHECKS.",
    ),
    "W036": Check(
        messages={"no_version": "{NAME}: BASE_URL: does not end with the version of the API."},
        cure="Add it, as in https://host.example/v1: without it no voucher can be redeemed. voucher_doctor finds "
        "out whether the address is right.",
    ),
    "W037": Check(
        messages={
            "not_included": "{NAME}: CHECKOUT_ORDER: is set, but {urlconf} does not include the URLs of the checkout."
        },
        cure='Add path("vouchers/", include("voucher_payment_gateway.checkout.urls")) to it, under any namespace; or '
        "leave out CHECKOUT_ORDER if you do not use the checkout block.",
    ),
    "W038": Check(
        messages={
            "no_messages": "Without django.contrib.messages a customer without JavaScript reads no confirmation."
        },
        cure="Add django.contrib.messages to INSTALLED_APPS and its middleware to MIDDLEWARE, and show the messages on "
        "the checkout page.",
    ),
    "W039": Check(
        messages={
            "in_cookies": "{NAME}: THROTTLE.session: sessions in signed cookies do not limit anything: a visitor goes "
            "on with an older cookie."
        },
        cure="Use another SESSION_ENGINE, or set the limit to None: the limits by account and address remain.",
    ),
    "W040": Check(
        messages={
            "unheard": "With ATOMIC_REQUESTS in the database {alias!r} nobody hears of a payment that fails: it is "
            "sent after the commit, and no receiver is connected to payment_failed."
        },
        cure="Connect a receiver to voucher_payment_gateway.signals.payment_failed: "
        f"{docs_url('reference/signals')}",
    ),
    "E050": Check(
        keys=("ACCOUNTS", "ACCOUNT_OF_ORDER"),
        messages={
            "no_callable": "{NAME}: ACCOUNT_OF_ORDER: {path!r} is not a callable that can be imported: {problem}.",
            "wrong_call": "{NAME}: ACCOUNT_OF_ORDER: {path!r} {problem}.",
        },
        cure="Give each account a name and the credentials of a client of its own, and name a callable by its dotted "
        "path: it takes an order and returns the name of the account whose vouchers pay it.",
    ),
    **RUNNING,
    **(SELLING | BOOKS | STAFF),
}

NUMBERS: Final = {key: number for number, check in CATALOGUE.items() for key in check.keys}
"""The number for a wrong value of each key."""

UNKNOWN_KEY: Final = "E002"


def mistake(key: str, sentence: str) -> checks.CheckMessage:
    """Return the check message for a wrong value of ``key``, as ``conf.problems`` words it."""
    text = f"{NAME}: {sentence}" if key else sentence
    return _message(NUMBERS.get(key, UNKNOWN_KEY), text)


def report(number: str, message: str, /, **values: object) -> checks.CheckMessage:
    """Return one of the messages in the catalogue, with its values filled in; a question at its end takes no dot."""
    text = CATALOGUE[number].messages[message].format(NAME=NAME, **values)
    return _message(number, text.removesuffix(".") if text.endswith("?.") else text)


def _message(number: str, text: str) -> checks.CheckMessage:
    kind = checks.Error if number.startswith("E") else checks.Warning
    cure = CATALOGUE[number].cure
    hint = cure if DOCUMENTATION in cure else f"{cure} More: {docs_url('reference/checks')}"
    return kind(text, hint=hint, id=f"voucher_payment_gateway.{number}")
