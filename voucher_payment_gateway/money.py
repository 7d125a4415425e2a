"""Amounts: parse, check, divide, and format for the API.

An amount is a ``Decimal`` with two places from 0.01 to 99999.99, always together with its
currency. Voucher Cloud API 1.8 writes it as a string of up to five digits, a point and two digits.
In a currency without decimals the smallest ``unit`` is 1 and not 0.01 (see ``currencies``).
"""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from voucher_payment_gateway.exceptions import AmountError

__all__ = [
    "CENT",
    "LARGEST",
    "WHOLE",
    "ZERO",
    "amount",
    "currency_code",
    "largest",
    "round_down",
    "share_out",
    "signed_total",
    "total",
    "wire",
]

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
WHOLE = Decimal("1.00")
LARGEST = Decimal("99999.99")

_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


def amount(
    value: object, field: str = "amount", *, minimum: Decimal | None = None, unit: Decimal = CENT
) -> Decimal:
    """Return ``value`` as an amount that can be moved: two places, ``minimum`` (one ``unit``) to 99999.99.

    Accepts a Decimal, an int or a string such as ``"12.50"``; never a float, never a comma, never a
    part of the unit. Nothing is rounded. Raises AmountError that names ``field``.
    """
    parsed, least, most = _in_units(value, field, unit), unit if minimum is None else minimum, largest(unit)
    if not least <= parsed <= most:
        raise AmountError(f"{field}: must be from {least} to {most}. Nothing was sent.", code="amount_bounds")
    return parsed or ZERO  # never -0.00


def largest(unit: Decimal) -> Decimal:
    """Return the largest amount that can be moved, in whole units."""
    return round_down(LARGEST, unit)


def round_down(value: Decimal, unit: Decimal) -> Decimal:
    """Return the part of ``value`` that is whole units: what can be moved of a balance."""
    return value // unit * unit


def total(value: object, field: str = "total", *, unit: Decimal = CENT) -> Decimal:
    """Return ``value`` as the total of an order: two places, whole units, zero or more, no maximum."""
    parsed = _in_units(value, field, unit)
    if parsed < ZERO:
        raise AmountError(f"{field}: must not be below zero. Nothing was sent.", code="amount_bounds")
    return parsed


def signed_total(value: object, field: str = "total", *, unit: Decimal = CENT) -> Decimal:
    """Return ``value`` as the total of an order, in whole units. Below zero nothing is due."""
    if isinstance(value, str) and value.startswith("-"):
        return -_in_units(value[1:], field, unit)
    return _in_units(value, field, unit)


def currency_code(value: object, field: str = "currency") -> str:
    """Return ``value`` as an upper-case ISO 4217 code. Raises AmountError that names ``field``."""
    if isinstance(value, str) and _CURRENCY.fullmatch(code := value.strip().upper()):
        return code
    raise AmountError(
        f'{field}: must be a currency code of three letters such as "EUR". Nothing was sent.',
        code="currency_malformed",
    )


def wire(value: Decimal, *, minimum: Decimal = CENT) -> str:
    """Return the amount as the API writes it: ``"10.53"``."""
    return f"{amount(value, minimum=minimum):.2f}"


def share_out(whole: Decimal, weights: Sequence[Decimal], *, unit: Decimal = CENT) -> list[Decimal]:
    """Divide ``whole`` in proportion to ``weights``, in whole units: the shares add up to ``whole``.

    Left-over units go to the largest remainders, the earlier share first. No share exceeds its weight if
    ``whole`` is at most the sum of the weights. Where one of them is not whole units, cents are shared.
    """
    if any(value % unit for value in (whole, *weights)):
        unit = CENT
    units, parts = int(whole / unit), [int(weight / unit) for weight in weights]
    everything = sum(parts)
    if everything <= 0:
        raise AmountError(
            "amount: there is nothing to share it over. Nothing was sent.", code="amount_bounds"
        )
    shares = [units * part // everything for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda i: (-(units * parts[i] % everything), i))
    for index in by_remainder[: units - sum(shares)]:
        shares[index] += 1
    return [share * unit for share in shares]


def _in_units(value: object, field: str, unit: Decimal) -> Decimal:
    number = _two_places(value, field)
    if unit == WHOLE and number % unit:
        raise AmountError(
            f"{field}: must be a whole number, since the currency has no decimals. Nothing was sent.",
            code="amount_malformed",
        )
    return number


def _two_places(value: object, field: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise AmountError(
            f"{field}: give a Decimal or a string, not {type(value).__name__}. Nothing was sent.",
            code="amount_malformed",
        )
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise _malformed(field)
    try:
        number = Decimal(value)
        exact = number.quantize(CENT) if number.is_finite() else None
    except InvalidOperation:
        exact = None
    if exact is None or exact != number:
        raise _malformed(field)
    return exact


def _malformed(field: str) -> AmountError:
    return AmountError(
        f'{field}: must be a number with at most two decimals and a point, such as "12.50". Nothing was sent.',
        code="amount_malformed",
    )
