"""Amounts as people type them: what has one meaning is taken, in every language, and what may have two is refused."""

from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from voucher_payment_gateway.admin.actions.amounts import typed_amount, written_amount


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("7,35", "7.35"),
        ("7.35", "7.35"),
        (" 7,3 ", "7.30"),
        ("7", "7.00"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("12 345,60", "12345.60"),
        ("0,01", "0.01"),
        ("99999,99", "99999.99"),
    ],
)
@pytest.mark.parametrize("language", ["de", "en"])
def test_what_has_one_meaning_is_taken(typed, amount, language):
    with translation.override(language):
        assert typed_amount(typed, "EUR") == D(amount)


@pytest.mark.parametrize(
    "typed", ["", "1.234", "1,234", "5,005", "1.23,45", "-5", "0", "0,00", "100000", "1e3", "٥", "NaN", "5 €"]
)
def test_what_has_two_meanings_or_none_is_refused(typed):
    with pytest.raises(ValidationError):
        typed_amount(typed, "EUR")


def test_a_currency_without_decimals_has_whole_amounts():
    assert typed_amount("1234", "JPY") == D("1234.00")
    for typed in ("1234,50", "1.234"):
        with pytest.raises(ValidationError):
            typed_amount(typed, "JPY")


@pytest.mark.parametrize(
    ("language", "currency", "written"),
    [("de", "EUR", "1234,50"), ("en", "EUR", "1234.50"), ("de", "JPY", "1234")],
)
def test_the_field_shows_what_it_takes(language, currency, written, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    with translation.override(language):
        amount = D("1234.50") if currency == "EUR" else D("1234.00")
        assert written_amount(amount, currency) == written
        assert typed_amount(written, currency) == amount
