"""Error messages, amounts and times that a visitor reads."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from voucher_payment_gateway import checkout, exceptions
from voucher_payment_gateway.checkout import redeem, summary, wording
from voucher_payment_gateway.checkout.problems import (
    ERROR_PROBLEMS,
    FINER_PROBLEMS,
    error_message,
    problem_of,
)
from voucher_payment_gateway.checkout.wording import amount_text, time_text
from voucher_payment_gateway.exceptions import UnavailableError, VoucherUnusableError, WrongStateError

ERRORS = [getattr(exceptions, name) for name in exceptions.__all__]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_a_sentence_that_is_true_about_the_money(error):
    text = error_message(error("API.SECRET: words of the other side"))
    assert text == ERROR_PROBLEMS[error].message
    assert ("Nothing was taken" in text or "Nothing more was taken" in text) == (error.money_moved == "no")
    assert "API" not in text


@pytest.mark.parametrize("code", FINER_PROBLEMS)
def test_a_finer_code_has_a_sentence_and_a_problem_of_its_own(code):
    error = WrongStateError("words for the shop", code=code)
    assert error_message(error) == problem_of(error).message == FINER_PROBLEMS[code].message
    assert "Nothing was taken" in error_message(error)


def test_an_error_of_a_kind_unknown_here_reads_like_its_parent():
    class TeapotError(UnavailableError):
        pass

    assert error_message(TeapotError()) == ERROR_PROBLEMS[UnavailableError].message


def test_the_reason_why_a_code_is_unusable_is_not_told():
    assert (
        len({error_message(VoucherUnusableError(code=code)) for code in ("pin", "inactive", "unknown")}) == 1
    )


@pytest.mark.parametrize(
    ("amount", "currency", "language", "expected"),
    [
        ("20.00", "EUR", "en", "€20.00"),
        ("1234.5", "GBP", "en", "£1,234.50"),
        ("0.35", "CHF", "en", "CHF\u00a00.35"),
    ],
)
def test_amounts_are_written_as_people_write_them(amount, currency, language, expected):
    with translation.override(language):
        assert amount_text(Decimal(amount), currency) == expected


@pytest.mark.parametrize(("language", "expected"), [("en", "2:30 p.m."), ("de", "14:30")])
def test_times_follow_the_locale_and_the_time_zone_of_the_visitor(language, expected):
    with translation.override(language), timezone.override("Europe/Berlin"):
        assert time_text(datetime(2026, 7, 1, 12, 30, tzinfo=UTC)) == expected


def test_amounts_follow_the_locale():
    with translation.override("de"):
        assert "1.234,50" in amount_text(Decimal("1234.5"), "EUR")


def test_the_names_that_the_documentation_teaches_are_importable_where_it_says():
    assert set(checkout.__all__) == {"enter_voucher", "error_message", "summarise"}
    assert checkout.enter_voucher is redeem.enter_voucher
    assert checkout.error_message is wording.sentence
    assert checkout.summarise is summary.summarise
