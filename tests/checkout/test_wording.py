"""Error messages, amounts and times that a visitor reads."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone, translation

from voucher_payment_gateway import checkout, exceptions, gateway
from voucher_payment_gateway.checkout import redeem, summary, wording
from voucher_payment_gateway.checkout.problems import (
    ERROR_PROBLEMS,
    FINER_PROBLEMS,
    error_message,
    problem_of,
)
from voucher_payment_gateway.checkout.wording import amount_text, time_text
from voucher_payment_gateway.exceptions import UnavailableError, VoucherUnusableError, WrongStateError
from voucher_payment_gateway.models import VoucherPayment

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
        ("20.00", "EUR", "de", "20,00\u00a0€"),
        ("1234567.50", "EUR", "de", "1.234.567,50\u00a0€"),
        ("1234567.50", "EUR", "en", "€1,234,567.50"),
        ("20.00", "EUR", "en-us", "€20.00"),
        ("0.35", "CHF", "de", "0,35\u00a0CHF"),
        ("12.50", "XQA", "en", "XQA\u00a012.50"),
        ("1000.00", "JPY", "en", "¥1,000"),
        ("1000.00", "JPY", "de", "1.000\u00a0¥"),
        ("33.33", "JPY", "de", "33,33\u00a0¥"),
        ("1234.50", "EUR", "fr", "1\u202f234,50\u00a0€"),
        ("20.00", "EUR", "tlh", "€20.00"),
        ("1000.00", "JPY", "tlh", "JPY\u00a01000"),
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


@pytest.mark.parametrize("language", ["en", "de"])
def test_amounts_in_euro_read_as_they_did_before_babel(language):
    with translation.override(language):
        for amount in ("0.00", "0.01", "20.00", "999.99", "1000.00", "99999.99", "1234567.50"):
            assert amount_text(Decimal(amount), "EUR") == wording._django_text(Decimal(amount), "EUR")


@pytest.mark.parametrize("language", ["en", "de", "tlh"])
@pytest.mark.parametrize("value", ["", None])
def test_what_is_no_number_is_left_out(value, language):
    with translation.override(language):
        assert amount_text(value, "JPY") == ""


@pytest.mark.parametrize(("language", "thousand"), [("en", "¥1,000"), ("de", "1.000\u00a0¥")])
def test_pages_show_no_decimals_of_yen(shop, admin_client, language, thousand):
    shop.voucher("1000.00", "GIFT-1000-ABCD", currency="JPY")
    order = shop.order("3000", currency="JPY")
    gateway.authorize(order, "GIFT-1000-ABCD")
    with translation.override(language):
        pages = [*shown_pages(order), *admin_pages(admin_client)]
    for page in pages:
        assert thousand in page
        assert not re.search(r"\d[.,]00\b", text_of(page))


def shown_pages(order):
    """Return the block and the story of the order, before and after its capture."""
    for _ in range(2):
        for tag in ("voucher_payments", "voucher_story"):
            source = "{% load voucher_payments %}{% " + tag + " order %}"
            yield Template(source).render(Context({"order": order}))
        gateway.capture(order)


def admin_pages(client):
    """Return the list of payments and the page of one."""
    payment = VoucherPayment.objects.get()
    for name, arguments in (("changelist", []), ("change", [payment.pk])):
        address = reverse(f"admin:voucher_payment_gateway_voucherpayment_{name}", args=arguments)
        yield client.get(address).content.decode()


def text_of(page):
    """Return the text of a page, without tags and their attributes."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL))


def test_the_names_that_the_documentation_teaches_are_importable_where_it_says():
    assert set(checkout.__all__) == {"enter_voucher", "error_message", "summarise"}
    assert checkout.enter_voucher is redeem.enter_voucher
    assert checkout.error_message is wording.sentence
    assert checkout.summarise is summary.summarise


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (0.2, "in 1 minute.", "in 1 Minute "),
        (61, "in 2 minutes.", "in 2 Minuten "),
        (601, "in 15 minutes.", "in 15 Minuten "),
        (3541, "in 60 minutes.", "in 60 Minuten "),
        (7200, "in 120 minutes.", "in 120 Minuten "),
        (7201, "in 3 hours.", "in 3 Stunden "),
    ],
)
def test_throttling_says_when_to_try_again(seconds, english, german):
    error = exceptions.ThrottledError(retry_after_seconds=seconds)
    with translation.override("en"):
        assert english in error_message(error)
    with translation.override("de"):
        assert german in error_message(error)


def test_throttling_without_a_known_time_says_later():
    assert "try again later" in error_message(exceptions.ThrottledError())


def test_a_throttled_form_reads_the_time_too(shop, gateway_settings, client, messages_of):
    gateway_settings(THROTTLE={"session": "1/10m", "address": "1/10m", "refusal_seconds": 0})
    order = shop.order()
    session = client.session
    session["order_number"] = order.number
    session.save()
    client.post(reverse("voucher_payment_gateway:apply"), {"code": "NIL-1"})
    response = client.post(reverse("voucher_payment_gateway:apply"), {"code": "NIL-2"})
    assert re.search(r"possible in 10 minutes\.", messages_of(response)[-1])
