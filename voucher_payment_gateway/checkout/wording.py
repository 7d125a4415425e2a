"""Amounts and times as the visitor's locale writes them."""

from datetime import datetime
from decimal import Decimal

from django.utils import formats
from django.utils.timezone import localtime
from django.utils.translation import pgettext

from voucher_payment_gateway.checkout.problems import error_message

__all__ = ["amount_text", "sentence", "time_text"]

SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}

sentence = error_message
"""The former name of ``checkout.error_message``."""


def amount_text(amount: Decimal, currency: str) -> str:
    """Return an amount as the visitor's locale writes it, such as ``€20.00`` or ``CHF 20.00``."""
    number = formats.number_format(amount, decimal_pos=2, use_l10n=True, force_grouping=True)
    if currency in SYMBOLS:
        written = pgettext("an amount such as €20.00", "%(symbol)s%(number)s")
    else:
        written = pgettext("an amount such as CHF 20.00", "%(currency)s %(number)s")
    words = {"symbol": SYMBOLS.get(currency), "currency": currency, "number": number}
    return (written % words).replace(" ", "\u00a0")


def time_text(instant: datetime) -> str:
    """Return a time of day as the visitor's locale and time zone write it, such as ``2:30 p.m.``."""
    return formats.date_format(localtime(instant), "TIME_FORMAT")
