"""Each account of a DATEV file closes: a redemption is booked as the sale was, and what is left out is told."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from tests.books.datev_files import ACCOUNTS, account_sums, parsed
from tests.books.old_orders import spend
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.ledger import booking_rows
from voucher_payment_gateway.models import VoucherOperation

FOREIGN = "GIFT-2000-ABCD"
EXPORT = "/admin/voucher_payment_gateway/voucherclosedperiod/export/"


def one_fiscal_year():
    """The last two days are of one fiscal year, also at the turn of the year."""
    return {"fiscal_year_begins": f"{timezone.localdate() - timedelta(days=2):%m}-01"}


@pytest.fixture
def datev(run, tmp_path, gateway_settings):
    """Write the file of today; return its bookings, what was told, and the exit code."""

    def write(*arguments, **accounts):
        gateway_settings(DATEV_ACCOUNTS={**ACCOUNTS, **one_fiscal_year(), **accounts})
        target, now = tmp_path / "EXTF_x.csv", timezone.now()
        target.unlink(missing_ok=True)
        span = ("--since", now - timedelta(hours=20), "--until", now + timedelta(minutes=1))
        accounts_begin = ("--format", "datev", "--file", target, *arguments)
        _, told, code = run("voucher_bookings", *span, *accounts_begin)
        text = target.read_text("cp1252") if target.exists() else ""
        return parsed(text.splitlines()) if text else [], told, code

    return write


def kinds():
    now = timezone.now()
    rows = booking_rows(now - timedelta(hours=20), now + timedelta(minutes=1))
    return [(row.kind, row.vat_kind, row.vat_rate) for row in rows]


def sell(shop, kind, number="S-1"):
    return gateway.activate(shop.order("50.00", number=number, note=f"{kind}=50.00"))[0]


@pytest.mark.parametrize(
    ("sold", "shown", "expected"),
    [
        ("multi", {"taxable": True, "tax_rate": "19"}, ("multi_purpose", None)),
        ("full", {"taxable": False, "tax_rate": None}, ("single_purpose", D(19))),
        ("full", {"taxable": True, "tax_rate": "7"}, ("single_purpose", D(19))),
    ],
)
def test_a_redemption_is_booked_as_the_sale_was_whatever_the_reservation_shows(
    seller, datev, sold, shown, expected
):
    sale = sell(seller, sold)
    voucher = seller.cloud.store.state.vouchers[sale.voucher_id]
    for name, value in shown.items():
        setattr(voucher, name, value)
    spend(seller, voucher.code, "50.00", "A-1")
    assert kinds() == [("sale", *expected), ("charge", *expected)]
    bookings, _, code = datev()
    assert (code, set(account_sums(bookings).values())) == (0, {D(0)})


def test_a_voucher_sold_without_a_kind_is_booked_by_the_setting_at_both_ends(seller, datev):
    sale = gateway.credit(seller.order("30.00", number="C-1"), "12.00", key="return")
    spend(seller, seller.cloud.voucher(sale.voucher_id).code, "12.00", "A-1")
    assert [vat_kind for _, vat_kind, _ in kinds()] == ["", ""]
    assert datev()[2] == 2
    bookings, told, code = datev(unknown_vat="multi_purpose")
    assert (code, set(account_sums(bookings).values())) == (0, {D(0)})
    assert "2 bookings are of gift vouchers whose kind or rate of VAT is not known" in told


def test_what_was_sold_elsewhere_is_booked_as_the_voucher_cloud_says_and_told(seller, datev):
    seller.voucher("20.00", taxable=True, tax_rate="19")
    spend(seller, FOREIGN, "20.00", "A-1")
    (booking,), told, code = datev()
    assert (booking["Konto"], code) == ("4400", 0)
    assert "1 bookings are of gift vouchers that this shop did not sell" in told


def test_a_single_purpose_voucher_without_a_rate_never_goes_to_the_liability(seller, datev):
    seller.voucher("20.00", taxable=True)
    spend(seller, FOREIGN, "20.00", "A-1")
    assert kinds() == [("charge", "single_purpose", None)]
    bookings, told, code = datev(unknown_vat="multi_purpose")
    assert (bookings, code) == ([], 2)
    assert (
        "whose rate of VAT is not known: let your tax adviser decide on DATEV_ACCOUNTS.unknown_rate" in told
    )
    (booking,), told, code = datev(unknown_rate="7")
    assert (booking["Konto"], code) == ("4300", 0)
    assert "1 bookings are of gift vouchers whose kind or rate of VAT is not known" in told


@pytest.fixture
def mixed(seller):
    """A sale in francs and one in euros."""
    for number in ("S-1", "S-2"):
        sell(seller, "multi", number)
    VoucherOperation.objects.filter(order_number="S-1").update(currency="CHF")


def test_another_currency_blocks_no_file_and_is_told(mixed, datev, run):
    (booking,), told, code = datev()
    assert (booking["Belegfeld 1"], code) == ("S-2", 3)
    assert "Left out, since a DATEV file takes EUR alone: bookings in other currencies (1 CHF)." in told
    (booking,), told, code = datev("--currency", "EUR")
    assert (booking["Belegfeld 1"], code) == ("S-2", 0)
    assert "(1 CHF)" in told
    bookings, told, code = datev("--currency", "CHF")
    assert (bookings, code) == ([], 2)
    assert "a DATEV file takes EUR alone, not CHF. No file was written." in told
    now = timezone.now()
    span = ("--since", now - timedelta(hours=20), "--until", now + timedelta(minutes=1))
    printed, _, code = run("voucher_bookings", *span, "--currency", "CHF")
    assert (printed.count("CHF"), printed.count("EUR"), code) == (1, 0, 0)


def test_the_page_leaves_nothing_out_without_a_tick(mixed, desk, gateway_settings):
    gateway_settings(DATEV_ACCOUNTS={**ACCOUNTS, **one_fiscal_year()})
    clerk, day = desk("export_voucherbookings").client, timezone.localdate()
    given = {"first": day - timedelta(days=1), "last": day, "file_format": "datev"}
    page = clerk.post(EXPORT, given)
    (error,) = page.context["form"].errors["leave_out"]
    assert "(1 CHF). No file was made: tick this if that is meant." in error
    file = clerk.post(EXPORT, {**given, "leave_out": "on"})
    assert b"".join(file.streaming_content).count(b"\r\n") == 3
    assert "bookings in other currencies (1 CHF)" in clerk.get(EXPORT).text
