"""The proof of the books: a month of the simulated shop, with lost answers, closes to the cent."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db.models import F
from django.utils import timezone

from tests.books.datev_files import ACCOUNTS, account_sums, parsed
from tests.books.month import Month, balances, period
from voucher_payment_gateway.books.ledger import booking_rows
from voucher_payment_gateway.books.liability import take_snapshot
from voucher_payment_gateway.books.periods import close_period, figures_between
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale

KINDS = {"sale", "recharge", "charge", "refund", "take_back"}


@pytest.fixture
def merchants(seller, gateway_settings):
    """The shop of two merchants, of which the one in the south sells in yen."""
    south = seller.cloud.add_client(name="South")
    gateway_settings(
        ACCOUNTS={"south": {"CLIENT_ID": south.id, "CLIENT_SECRET": south.secret}},
        ACCOUNT_OF_ORDER="tests.books.month.merchant_of",
        REFUND_FALLBACK=["recharge", "new_voucher"],
    )
    return seller


def test_a_month_closes_to_the_cent(merchants, gateway_settings, run, tmp_path):
    Month(merchants, 1).play()
    since, until = period()
    rows, theirs = list(booking_rows(since, until)), balances(merchants)
    assert_everything_happened(rows)
    for currency, of_vouchers in theirs.items():
        per_voucher = defaultdict(D)
        for row in rows:
            per_voucher[row.voucher_id] += row.change if row.currency == currency else 0
        assert len(of_vouchers) > 5
        assert with_money(per_voucher) == with_money(of_vouchers)
    owed = {currency: sum(of_vouchers.values()) for currency, of_vouchers in theirs.items()}
    assert figures_between(since, until).change == owed
    closed = close_period(since, until, actor="anna")
    assert VoucherDifference.objects.count() == 0
    assert {kind.split()[0] for kind in closed.figures} == KINDS

    begins = f"{timezone.localtime(since):%m}-01"
    decided = {"unknown_vat": "multi_purpose", "fiscal_year_begins": begins}  # store credit names no kind
    gateway_settings(DATEV_ACCOUNTS={**ACCOUNTS, **decided})
    target = tmp_path / "EXTF_Gutscheine.csv"
    span = ("--since", since, "--until", until, "--account", "")  # DATEV takes euros alone
    _, told, code = run("voucher_bookings", *span, "--format", "datev", "--file", target)
    assert code == 0, told
    text, euros = target.read_text("cp1252"), [row for row in rows if row.currency == "EUR"]
    bookings = parsed(text.splitlines())
    sums = account_sums(bookings)
    assert len(bookings) == len(euros)
    assert sum(sums.values()) == 0
    assert -sums["3272"] == sum(row.change for row in euros if row.vat_kind != "single_purpose")
    assert -sums["4400"] == sum(row.change for row in euros if row.vat_rate == D(19))
    assert -sums["4300"] == sum(row.change for row in euros if row.vat_rate == D(7))
    assert sums["1370"] == owed["EUR"]
    assert not any(voucher.code in text for voucher in merchants.cloud.store.state.vouchers.values())

    VoucherOperation.objects.update(settled_at=F("settled_at") - timedelta(days=1))
    yesterday = timezone.localdate() - timedelta(days=1)
    snapshot = take_snapshot(yesterday)
    for currency, amount in owed.items():
        assert sum(row.outstanding for row in snapshot if row.currency == currency) == amount
    assert 0 < sum(row.breakage for row in snapshot if row.batch == "trial") < sum(owed.values())
    assert take_snapshot(yesterday) == snapshot


def assert_everything_happened(rows):
    """The month has each kind of booking in each currency, and of each kind of voucher; nothing of a yen is a part."""
    seen = {(row.kind, row.account, row.currency) for row in rows}
    assert seen == {
        (kind, account, currency) for kind in KINDS for account, currency in (("", "EUR"), ("south", "JPY"))
    }
    assert {(row.vat_kind, row.vat_rate) for row in rows} >= {
        ("multi_purpose", None), ("single_purpose", D(19)), ("single_purpose", D(7))
    }  # fmt: skip
    assert {row.origin for row in rows} == {"sold", "credit", "refund"}
    assert all(row.amount % 1 == 0 for row in rows if row.currency == "JPY")
    succeeded = VoucherOperation.objects.filter(state="succeeded")
    in_place_of_refunds = succeeded.filter(kind="recharge", payment__isnull=False)
    assert in_place_of_refunds.exists()
    given_back = VoucherPayment.objects.filter(amount_refunded__gt=0)
    assert given_back.filter(status="refunded").exists()  # in full
    assert given_back.filter(status="captured").exists()  # in part
    assert VoucherSale.objects.filter(status="active", valid_until__lt=timezone.now()).exists()
    assert VoucherOperation.objects.filter(attempts__gt=1).exists()  # answers were lost


def with_money(amounts):
    return {voucher: amount for voucher, amount in amounts.items() if amount}
