"""Amounts: exact, bounded, never rounded."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_payment_gateway import money
from voucher_payment_gateway.currencies import (
    amount_in,
    plain,
    smallest_unit,
    supported_currency,
    with_code,
)
from voucher_payment_gateway.exceptions import AmountError

CENTS = st.integers(0, 9_999_999).map(lambda cents: D(cents) / 100)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("12.50", "12.50"),
        ("0.01", "0.01"),
        ("99999.99", "99999.99"),
        (D("5"), "5.00"),
        (7, "7.00"),
        ("3.1", "3.10"),
        (D("1.500"), "1.50"),
    ],
)
def test_what_is_an_amount(given_, expected):
    assert str(money.amount(given_)) == expected


@pytest.mark.parametrize(
    "given_",
    [
        "12,5",
        "0",
        "0.00",
        "-1",
        "100000.00",
        "1.005",
        "NaN",
        "Infinity",
        "1e2",
        "+5",
        "",
        " 5",
        "٣",
        "1_000",
        "5.",
        ".5",
        D("sNaN"),
        D("-0.01"),
        D("1E+9"),
        0,
        -3,
        1.5,
        True,
        None,
        b"5",
        [5],
    ],
)
def test_what_is_none(given_):
    with pytest.raises(AmountError, match=r"^price: .*Nothing was sent\.$"):
        money.amount(given_, "price")


def test_a_total_may_be_zero_and_larger_than_any_voucher():
    assert money.total("0") == D("0.00")
    assert money.total("250000.00") == D("250000.00")
    with pytest.raises(AmountError, match="total"):
        money.total("-0.01")


@given(CENTS.filter(lambda value: value > 0))
def test_the_wire_form_is_the_documented_pattern_and_reads_back(value):
    import re

    text = money.wire(value)
    assert re.fullmatch(r"\d{1,5}\.\d\d", text)
    assert D(text) == value


@given(st.lists(CENTS, min_size=1, max_size=8).filter(lambda weights: sum(weights) > 0), st.data())
def test_shares_add_up_to_the_cent_and_none_exceeds_its_weight(weights, data):
    whole = D(data.draw(st.integers(0, int(sum(weights) * 100)))) / 100
    shares = money.share_out(whole, weights)
    assert sum(shares) == whole
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


@given(st.lists(st.integers(0, 99999), min_size=1, max_size=8).filter(any), st.data())
def test_shares_of_a_currency_without_decimals_are_whole(weights, data):
    whole = data.draw(st.integers(0, sum(weights)))
    shares = money.share_out(D(whole), [D(weight) for weight in weights], unit=money.WHOLE)
    assert sum(shares) == whole
    assert all(0 <= share <= weight and share % 1 == 0 for share, weight in zip(shares, weights, strict=True))


def test_a_hundred_yen_over_one_and_two_thousand():
    weights = [D("1000.00"), D("2000.00")]
    assert money.share_out(D("100.00"), weights, unit=money.WHOLE) == [33, 67]
    assert money.share_out(D("100.00"), weights) == [D("33.33"), D("66.67")]


def test_what_is_not_whole_already_is_shared_to_the_cent():
    assert money.share_out(D(100), [D("33.33"), D("66.67")], unit=money.WHOLE) == [D("33.33"), D("66.67")]


@pytest.mark.parametrize("given_", ["1", "99999", "12.00", 7, D("3.0")])
def test_a_whole_number_is_an_amount_in_yen(given_):
    assert amount_in("JPY", given_) == money.total(given_, unit=money.WHOLE) == D(given_)


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ("0.50", "amount_malformed"),
        ("12.50", "amount_malformed"),
        ("99999.99", "amount_malformed"),
        ("0", "amount_bounds"),
        ("100000", "amount_bounds"),
    ],
)
def test_what_is_no_amount_in_yen(given_, code):
    with pytest.raises(AmountError, match=r"^price: .*Nothing was sent\.$") as caught:
        amount_in("JPY", given_, "price")
    assert caught.value.code == code


def test_the_bounds_are_named_in_the_currency():
    with pytest.raises(AmountError, match=r"must be from 1\.00 to 99999\.00"):
        amount_in("JPY", "0")
    with pytest.raises(AmountError, match=r"must be from 0\.01 to 99999\.99"):
        amount_in("EUR", "0")


@pytest.mark.parametrize(
    ("currency", "unit"),
    [("EUR", "0.01"), ("CHF", "0.01"), ("JPY", "1"), ("KRW", "1"), ("XQA", "0.01"), ("", "0.01")],
)
def test_the_smallest_unit_of_a_currency(currency, unit):
    assert smallest_unit(currency) == D(unit)


@pytest.mark.parametrize("currency", ["KWD", "bhd", "TND", "OMR", "CLF"])
def test_a_currency_that_the_api_cannot_write_is_refused(currency):
    with pytest.raises(
        AmountError, match=r"^currency: [A-Z]{3} has \d decimals, .*Nothing was sent\.$"
    ) as caught:
        supported_currency(currency)
    assert caught.value.code == "currency_unsupported"


def test_amounts_in_messages_have_the_decimals_of_the_currency():
    assert plain(D("50.00"), "EUR") == "50.00"
    assert with_code(D("50.00"), "JPY") == "50 JPY"
    assert with_code(D("33.33"), "JPY") == "33.33 JPY"
    assert with_code(D("50.00"), "") == "50.00"


@pytest.mark.parametrize("given_", ["eur", " EUR "])
def test_a_currency_is_sent_in_upper_case(given_):
    assert money.currency_code(given_) == "EUR"
