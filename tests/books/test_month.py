"""The proof of the books: a month of the simulated shop, with lost answers, closes to the cent."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal as D

from django.db.models import F
from django.utils import timezone

from tests.books.datev_files import ACCOUNTS, account_sums, parsed
from tests.books.month import Month, balances, period
from voucher_payment_gateway.books.ledger import booking_rows
from voucher_payment_gateway.books.liability import take_snapshot
from voucher_payment_gateway.books.periods import close_period, figures_between
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation

KINDS = {"sale", "recharge", "charge", "refund", "take_back"}


def test_a_month_closes_to_the_cent(seller, gateway_settings, run, tmp_path):
    Month(seller, 1).play()
    since, until = period()
    rows, theirs = list(booking_rows(since, until)), balances(seller)
    per_voucher = defaultdict(D)
    for row in rows:
        per_voucher[row.voucher_id] += row.change
    assert len(theirs) > 10
    assert with_money(per_voucher) == with_money(theirs)
    assert figures_between(since, until).change == {"EUR": sum(theirs.values())}
    closed = close_period(since, until, actor="anna")
    assert VoucherDifference.objects.count() == 0
    assert {kind.split()[0] for kind in closed.figures} == KINDS

    begins = f"{timezone.localtime(since):%m}-01"
    decided = {"unknown_vat": "multi_purpose", "fiscal_year_begins": begins}  # store credit names no kind
    gateway_settings(DATEV_ACCOUNTS={**ACCOUNTS, **decided})
    target = tmp_path / "EXTF_Gutscheine.csv"
    span = ("--since", since, "--until", until)
    _, told, code = run("voucher_bookings", *span, "--format", "datev", "--file", target)
    assert code == 0, told
    text = target.read_text("cp1252")
    bookings = parsed(text.splitlines())
    sums = account_sums(bookings)
    assert len(bookings) == len(rows)
    assert sum(sums.values()) == 0
    assert -sums["3272"] == sum(row.change for row in rows if row.vat_kind != "single_purpose")
    assert -sums["4400"] == sum(row.change for row in rows if row.vat_rate == D(19))
    assert -sums["4300"] == sum(row.change for row in rows if row.vat_rate == D(7))
    assert sums["1370"] == sum(theirs.values())
    assert not any(voucher.code in text for voucher in seller.cloud.store.state.vouchers.values())

    VoucherOperation.objects.update(settled_at=F("settled_at") - timedelta(days=1))
    yesterday = timezone.localdate() - timedelta(days=1)
    snapshot = take_snapshot(yesterday)
    assert sum(row.outstanding for row in snapshot) == sum(theirs.values())
    assert take_snapshot(yesterday) == snapshot


def with_money(amounts):
    return {voucher: amount for voucher, amount in amounts.items() if amount}
