"""What a visitor reads: amounts in their locale, and a sentence for each error, never the API's own text."""

from datetime import datetime
from decimal import Decimal

from django.utils import formats
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from voucher_payment_gateway.exceptions import (
    AmountError,
    ContractError,
    CredentialsError,
    CurrencyMismatchError,
    InsufficientBalanceError,
    OperationInProgressError,
    OutcomeUnknownError,
    PaymentStateError,
    RefusedError,
    ReservationClosedError,
    ThrottledError,
    UnavailableError,
    VoucherGatewayError,
    VoucherUnusableError,
    WrongStateError,
)

__all__ = [
    "CODE_MISSING",
    "MALFORMED",
    "NOT_ON_ORDER",
    "NO_ORDER",
    "ORDER_CURRENCY_CHANGED",
    "PAGE_OUTDATED",
    "POST_NEEDED",
    "SENTENCES",
    "SENTENCES_BY_CODE",
    "TOO_MANY_VOUCHERS",
    "UNUSABLE",
    "amount_text",
    "sentence",
    "time_text",
]

SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}

UNUSABLE = _(
    "This gift voucher cannot be redeemed. Please check the code and the PIN. Nothing was taken from it."
)
"""The one constant sentence for every unusable code: whoever guesses learns nothing from it."""

CODE_MISSING = _("Please enter the code of your gift voucher.")
NO_ORDER = _("There is no order to pay just now. Nothing was taken from your gift voucher.")
NOT_ON_ORDER = _("This gift voucher is no longer part of your order.")
ORDER_CURRENCY_CHANGED = _(
    "The currency of your order has changed. Please remove its gift vouchers and enter them again. "
    "Nothing was taken from them."
)
TOO_MANY_VOUCHERS = _(
    "Your order cannot take any more gift vouchers. Nothing was taken from this one; please pay the rest another way."
)
PAGE_OUTDATED = _(
    "This page was open for too long, or your browser blocks cookies. Nothing was taken from your gift voucher; "
    "please go back, reload the page and try again."
)
POST_NEEDED = _("This address cannot be opened. Please use the buttons of the checkout page.")
MALFORMED = _("Your browser sent something that cannot be read. Nothing was taken from your gift voucher.")
UNAVAILABLE = _(
    "Gift vouchers cannot be checked just now. Nothing was taken from yours; "
    "please try again in a moment or pay another way."
)

SENTENCES = {
    RefusedError: _("This gift voucher cannot be used for this order. Nothing was taken from it."),
    VoucherUnusableError: UNUSABLE,
    InsufficientBalanceError: _("There is no money left on this gift voucher. Nothing was taken from it."),
    CurrencyMismatchError: _("This gift voucher has another currency than your order. Nothing was taken."),
    ReservationClosedError: _(
        "The gift voucher is no longer held for your order. Nothing was taken from it; "
        "please enter its code again."
    ),
    UnavailableError: UNAVAILABLE,
    ThrottledError: _("Too many attempts. Nothing was taken from your gift voucher; please try again later."),
    CredentialsError: UNAVAILABLE,
    ContractError: UNAVAILABLE,
    OutcomeUnknownError: _(
        "It is not clear yet whether the amount was taken from your gift voucher. "
        "Please do not repeat this; we are checking it."
    ),
    PaymentStateError: _("That is not possible for this order any more. Nothing was taken."),
    AmountError: _("There is nothing left to pay by gift voucher. Nothing was taken from it."),
    WrongStateError: _("That is not possible for this gift voucher any more. Nothing was taken."),
    OperationInProgressError: _(
        "This gift voucher is being used at this very moment. Nothing more was taken from it; "
        "please try again in a moment."
    ),
    VoucherGatewayError: _("That did not work. Nothing was taken from your gift voucher."),
}

SENTENCES_BY_CODE = {
    "order_currency_changed": ORDER_CURRENCY_CHANGED,
    "too_many_vouchers": TOO_MANY_VOUCHERS,
}
"""Where the finer code of an error says what a customer can do about it."""


def sentence(error: VoucherGatewayError) -> str:
    """Return what a customer reads about ``error``: neutral, translated, and true about the money."""
    finer = SENTENCES_BY_CODE.get(error.code)
    return str(finer or next(SENTENCES[cls] for cls in type(error).__mro__ if cls in SENTENCES))


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
