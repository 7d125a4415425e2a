"""Amounts: exact, bounded, never rounded."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_payment_gateway import money
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


@pytest.mark.parametrize("given_", ["eur", " EUR "])
def test_a_currency_is_sent_in_upper_case(given_):
    assert money.currency_code(given_) == "EUR"
