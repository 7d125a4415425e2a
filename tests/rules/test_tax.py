"""The VAT contained in an amount: exact to the cent for any parts."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_payment_gateway.money import WHOLE
from voucher_payment_gateway.rules.tax import TaxShare, tax_memo, tax_share

CENT = Decimal("0.01")
AMOUNTS = st.integers(0, 9_999_999).map(lambda cents: cents * CENT)
RATES = st.integers(0, 9_999).map(lambda hundredths: hundredths * CENT)


def total(shares):
    shares = list(shares)
    return TaxShare(
        *(sum((getattr(s, name) for s in shares), Decimal("0.00")) for name in ("gross", "net", "vat"))
    )


@pytest.mark.parametrize(
    ("gross", "rate", "net", "vat"),
    [
        ("119.00", "19.00", "100.00", "19.00"),
        ("10.00", "19.00", "8.40", "1.60"),
        ("10.00", "7.00", "9.35", "0.65"),
        ("10.53", "19.00", "8.85", "1.68"),
        ("0.01", "19.00", "0.01", "0.00"),
        ("0.03", "19.00", "0.03", "0.00"),
        ("0.04", "19.00", "0.03", "0.01"),
        ("0.03", "20.00", "0.02", "0.01"),  # half a cent
        ("20.00", "0.00", "20.00", "0.00"),
        ("0.00", "19.00", "0.00", "0.00"),
        ("99999.99", "7.70", "92850.50", "7149.49"),
    ],
)
def test_figures_that_were_worked_out_by_hand(gross, rate, net, vat):
    expected = TaxShare(Decimal(gross), Decimal(net), Decimal(vat))
    assert tax_share(Decimal(gross), Decimal(rate)) == expected


@given(AMOUNTS, RATES)
def test_net_and_vat_are_gross_and_vat_is_right_to_half_a_cent(gross, rate):
    share = tax_share(gross, rate)
    assert share.net + share.vat == share.gross == gross
    assert 0 <= share.vat <= gross
    exact = Fraction(gross) * Fraction(rate) / (100 + Fraction(rate))
    assert -Fraction(1, 200) <= exact - Fraction(share.vat) <= Fraction(1, 200)


@given(st.lists(AMOUNTS, min_size=1, max_size=12), AMOUNTS, RATES)
def test_any_partial_refunds_add_up_to_the_cent(refunds, kept, rate):
    captured = sum(refunds, kept)
    last = tax_memo(captured, captured - kept, rate)
    shares, before = [], Decimal("0.00")
    for amount in refunds:
        memo = tax_memo(captured, before + amount, rate)
        share = memo.of_refund(amount, refunded_before=before)
        assert share == memo.refunded - tax_memo(captured, before, rate).refunded
        assert share.gross == amount == share.net + share.vat
        assert 0 <= share.vat <= amount
        shares.append(share)
        before += amount
    assert total(shares) == last.refunded
    assert total([last.refunded, last.kept]) == last.captured


@given(AMOUNTS, RATES)
def test_all_back_is_all_back(captured, rate):
    memo = tax_memo(captured, captured, rate)
    assert memo.refunded == memo.captured
    assert memo.kept == TaxShare(Decimal(0), Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("gross", "rate"), [("-0.01", "19"), ("10.001", "19"), ("10", "-1"), ("10", "19.005")]
)
def test_what_is_no_amount_or_rate_is_refused(gross, rate):
    with pytest.raises(ValueError, match="two places"):
        tax_share(Decimal(gross), Decimal(rate))


@pytest.mark.parametrize(
    ("gross", "rate", "net", "vat"),
    [
        ("1000", "10.00", "909", "91"),
        ("667", "10.00", "606", "61"),
        ("1", "10.00", "1", "0"),
        ("3", "20.00", "2", "1"),  # half a yen
        ("33.33", "10.00", "30.30", "3.03"),  # charged in parts of a yen before
    ],
)
def test_vat_is_whole_in_a_currency_without_decimals(gross, rate, net, vat):
    expected = TaxShare(Decimal(gross), Decimal(net), Decimal(vat))
    assert tax_share(Decimal(gross), Decimal(rate), WHOLE) == expected


@given(st.lists(st.integers(0, 99_999), min_size=1, max_size=12), st.integers(0, 99_999), RATES)
def test_any_partial_refunds_in_yen_add_up_in_whole_yen(refunds, kept, rate):
    captured, before, shares = Decimal(sum(refunds, kept)), Decimal(0), []
    memo = tax_memo(captured, captured - kept, rate, WHOLE)
    for amount in map(Decimal, refunds):
        shares.append(memo.of_refund(amount, refunded_before=before))
        before += amount
    assert total(shares) == memo.refunded
    assert total([memo.refunded, memo.kept]) == memo.captured
    assert all(amount % 1 == 0 for share in shares for amount in (share.net, share.vat))
