"""Validation of a request body: each field is checked, and one 422 lists all errors."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from voucher_payment_gateway.sandbox.problems import FieldError, field_code, unprocessable

__all__ = ["CURRENCIES", "Fields"]

_CURRENCY_NAMES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP
    LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB
    PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
    THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
    ZWG
"""
CURRENCIES = frozenset(_CURRENCY_NAMES.split())
"""ISO 4217, without funds codes, metals and test codes."""

AMOUNT_FORM = "The amount must be written like 5.00, in at most 9 characters."

_AMOUNT = re.compile(r"[0-9]+\.[0-9]{2}")
_NUMERIC = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MISSING = object()


class Fields:
    """The body of a call of ``operation`` (``"VOUCHER.CREATE"``); ``raise_errors`` raises the errors found."""

    def __init__(self, operation: str, body: Mapping[str, Any]) -> None:
        self._operation = operation
        self._body = body
        self._errors: list[FieldError] = []

    def text(self, name: str, *, required: bool = False, max_length: int = 255, called: str = "") -> str:
        """Return a string, empty if it is missing; ``called`` is its name in errors."""
        shown = called or name
        value = self._body.get(name, _MISSING)
        if value is _MISSING or (required and value in ("", None)):
            if required:
                self.add_error(shown, "required", f"The {shown} field is required.")
            return ""
        if not isinstance(value, str):
            self.add_error(shown, "string", f"The {shown} must be a string.")
            return ""
        if len(value) > max_length:
            self.add_error(
                shown, f"max:{max_length}", f"The {shown} may not be greater than {max_length} characters."
            )
        return value

    def cents(self, *, minimum: int) -> int:
        """Return the field ``amount`` in cents, at least ``minimum``.

        Documented: a string of digits, a point and two digits, 4 to 9 characters in all.
        """
        value = self._body.get("amount")
        if value is None or value == "":
            self.add_error("amount", "required", "The amount field is required.")
        elif not isinstance(value, str):
            self.add_error("amount", "string", "The amount must be a string.")
        elif not _NUMERIC.fullmatch(value):
            self.add_error("amount", "numeric", "The amount must be a number.")
        elif value.startswith("-"):
            self.add_error("amount", "min:0", "The amount must be at least 0.")
        elif not _AMOUNT.fullmatch(value) or len(value) > 9:
            self.add_error("amount", "regex", AMOUNT_FORM)
        elif int(value.replace(".", "")) < minimum:
            self.add_error("amount", "min", f"The amount must be at least 0.{minimum:02d}.")
        else:
            return int(value.replace(".", ""))
        return 0

    def currency(self) -> str:
        """Return the field ``currency``: an ISO 4217 code in capitals."""
        value = self._body.get("currency")
        if isinstance(value, str) and value in CURRENCIES:
            return value
        self.add_error("currency", "valid_currency", "Currency must be a valid currency code")
        return ""

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """Return an integer within its bounds, or ``default`` if it is missing."""
        value = self._body.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return value
        self.add_error(name, "integer", f"The {name} must be an integer from {minimum} to {maximum}.")
        return default

    def choice(self, name: str, options: Sequence[str], default: str = "") -> str:
        """Return one of ``options``; without a default the field is required."""
        value = self._body.get(name, default or None)
        if value is None:
            self.add_error(name, "required", f"The {name} field is required.")
        elif not isinstance(value, str) or value not in options:
            self.add_error(name, "in", f"The selected {name} is invalid.")
        else:
            return value
        return default

    def flag(self, name: str) -> bool:
        """Return a boolean, false if it is missing."""
        value = self._body.get(name, False)
        if isinstance(value, bool):
            return value
        self.add_error(name, "boolean", f"The {name} field must be true or false.")
        return False

    def add_error(self, name: str, rule: str, message: str) -> None:
        """Record that a field breaks a rule."""
        code = field_code(self._operation, name, rule)
        self._errors.append(FieldError(code, name, rule.partition(":")[0], message))

    def raise_errors(self) -> None:
        """Raise the 422 with all recorded errors, if there are any."""
        if self._errors:
            raise unprocessable(self._operation, self._errors)
