"""Amounts as people type them: with a comma or a point, whatever the language of the page."""

import re
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from voucher_payment_gateway.currencies import amount_in, decimals, plain
from voucher_payment_gateway.exceptions import AmountError

__all__ = ["typed_amount", "written_amount"]

PLAIN = re.compile(r"(\d{1,6})(?:[.,](\d{1,2}))?", re.ASCII)
GROUPED = re.compile(r"(\d{1,3}(?:\.\d{3})+),(\d{1,2})|(\d{1,3}(?:,\d{3})+)\.(\d{1,2})", re.ASCII)
"""With a separator between thousands only where another one stands before the cents: ``1.234`` alone is refused, since
it may mean either."""


def written_amount(amount: Decimal, currency: str) -> str:
    """Return the amount for a field of a form: with the decimal separator of the language, without others."""
    return plain(amount, currency).replace(".", str(get_format("DECIMAL_SEPARATOR")))


def typed_amount(text: str, currency: str) -> Decimal:
    """Return the amount that was typed, in units of ``currency``. Raises ValidationError; nothing is rounded."""
    tidy = re.sub(r"[\s\u202f]", "", text)
    found = PLAIN.fullmatch(tidy) or GROUPED.fullmatch(tidy)
    if found is None:
        raise ValidationError(_("Enter an amount such as %(example)s.") % {"example": _example(currency)})
    whole, *cents = [part for part in found.groups() if part is not None]
    number = ".".join([re.sub("[.,]", "", whole), *cents])
    try:
        return amount_in(currency, number)
    except AmountError:
        text = _("This amount cannot be moved in %(currency)s.")
        raise ValidationError(text % {"currency": currency}) from None


def _example(currency: str) -> str:
    return written_amount(
        Decimal("12.50") if decimals(Decimal("1.00"), currency) else Decimal("12.00"), currency
    )
