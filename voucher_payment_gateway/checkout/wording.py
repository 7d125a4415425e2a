"""Amounts and times as the visitor's locale writes them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency
from django.utils import formats
from django.utils.timezone import localtime
from django.utils.translation import get_language, pgettext, to_locale

from voucher_payment_gateway.checkout.problems import error_message
from voucher_payment_gateway.currencies import decimals, smallest_unit

__all__ = ["amount_text", "last_day_text", "sentence", "time_text"]

LETTER_AND_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""The place between a currency code and a number: Babel writes ``CHF20.00`` there."""

SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}

sentence = error_message
"""The former name of ``checkout.error_message``."""


def amount_text(amount: Decimal, currency: str) -> str:
    """Return an amount as the visitor's locale writes it, such as ``€20.00``, ``¥2,000`` or ``CHF 20.00``.

    Empty for a value that is no number, such as a missing variable of a template.
    """
    try:
        exact = Decimal(str(amount))
    except InvalidOperation:
        return ""
    code = str(currency or "")
    if not code:
        return ""
    locale = _locale(get_language() or "")
    return _django_text(exact, code) if locale is None else _babel_text(exact, code, locale)


def _babel_text(amount: Decimal, currency: str, locale: Locale) -> str:
    # an amount that is not whole, though its currency has no decimals, is not rounded
    is_whole = not amount % smallest_unit(currency)
    written = format_currency(amount, currency, locale=locale, currency_digits=is_whole)
    return LETTER_AND_DIGIT.sub(" ", written).replace(" ", "\u00a0")


@cache
def _locale(language: str) -> Locale | None:
    """Return Babel's locale for a language of Django, or None if it knows none."""
    try:
        return Locale.parse(to_locale(language))
    except (UnknownLocaleError, ValueError):
        return None


def _django_text(amount: Decimal, currency: str) -> str:
    """Return an amount as Django's formats of a language that Babel does not know write it."""
    number = formats.number_format(
        amount, decimal_pos=decimals(amount, currency), use_l10n=True, force_grouping=True
    )
    if currency in SYMBOLS:
        written = pgettext("an amount such as €20.00", "%(symbol)s%(number)s")
    else:
        written = pgettext("an amount such as CHF 20.00", "%(currency)s %(number)s")
    words = {"symbol": SYMBOLS.get(currency), "currency": currency, "number": number}
    return (written % words).replace(" ", "\u00a0")


def time_text(instant: datetime) -> str:
    """Return a time of day as the visitor's locale and time zone write it, such as ``2:30 p.m.``.

    Empty for a value that is no instant, such as a missing variable of a template.
    """
    if not isinstance(instant, datetime):
        return ""
    return formats.date_format(localtime(instant), "TIME_FORMAT")


def last_day_text(end: datetime) -> str:
    """Return the last day of a voucher that is valid until ``end``, as the visitor's locale writes it.

    An end at midnight is that of the day before, and an end at midnight of UTC that of the day in UTC: who reads "until
    December 31" comes on that day, and not on the next one. Empty for a value that is no instant.
    """
    if not isinstance(end, datetime):
        return ""
    last = (end - timedelta(seconds=1)).astimezone(UTC)
    is_day_of_utc = (last.hour, last.minute) == (23, 59)
    return formats.date_format(last if is_day_of_utc else localtime(last), "DATE_FORMAT")
