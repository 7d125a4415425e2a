"""Currencies: how many decimals one has, and how its amounts are written in plain text.

The decimals are those of Unicode CLDR as Babel has them; a currency that it does not know has two.
"""

from decimal import Decimal
from functools import cache

from babel.numbers import get_currency_precision

from voucher_payment_gateway import money
from voucher_payment_gateway.exceptions import AmountError

__all__ = ["amount_in", "decimals", "plain", "smallest_unit", "supported_currency", "with_code"]

API_DECIMALS = 2
"""How many decimals the API can write."""


@cache
def smallest_unit(currency: str) -> Decimal:
    """Return the smallest amount of ``currency``: 1.00 where it has no decimals (JPY), else 0.01."""
    return money.CENT if get_currency_precision(currency) else money.WHOLE


def supported_currency(value: object, field: str = "currency") -> str:
    """Return ``value`` as an ISO 4217 code whose amounts the API can write. Raises AmountError."""
    code = money.currency_code(value, field)
    if (digits := get_currency_precision(code)) > API_DECIMALS:
        raise AmountError(
            f"{field}: {code} has {digits} decimals, and the Voucher Cloud can write only {API_DECIMALS}. "
            "Nothing was sent.",
            code="currency_unsupported",
        )
    return code


def amount_in(currency: str, value: object, field: str = "amount") -> Decimal:
    """Return ``value`` as an amount that can be moved in ``currency``. Raises AmountError that names ``field``."""
    return money.amount(value, field, unit=smallest_unit(currency))


def decimals(amount: Decimal, currency: str) -> int:
    """Return with how many decimals to write ``amount``: none where it is whole and ``currency`` has none, else two."""
    return 0 if smallest_unit(currency) == money.WHOLE and not amount % money.WHOLE else API_DECIMALS


def plain(amount: Decimal, currency: str) -> str:
    """Return an amount for messages and lists of programs: ``50.00``, or ``50`` where there are no decimals."""
    return str(amount) if decimals(amount, currency) else f"{amount:.0f}"


def with_code(amount: Decimal, currency: str) -> str:
    """Return an amount and its currency for messages and lists of programs: ``50.00 EUR``, ``50 JPY``."""
    return f"{plain(amount, currency)} {currency}".rstrip()
