"""The DATEV file: in the documented form, balanced, and booked by the kind of VAT."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from tests.books.datev_files import ACCOUNTS, parsed
from tests.test_checks import given  # noqa: F401  a fixture
from tests.test_checks_driving import told
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books import datev
from voucher_payment_gateway.books.datev import COLUMNS, batch_lines, batch_of
from voucher_payment_gateway.books.postings import UnbookableError, posting_of
from voucher_payment_gateway.books.rows import BookingRow
from voucher_payment_gateway.conf import DatevAccounts

MERCHANTS = {
    "ACCOUNTS": {"south": {"CLIENT_ID": "south", "CLIENT_SECRET": "secret"}},
    "ACCOUNT_OF_ORDER": "tests.accounts.shop.merchant_of",
}
HERE = ZoneInfo("America/Chicago")
MAY = datetime(2026, 5, 1, tzinfo=HERE), datetime(2026, 6, 1, tzinfo=HERE)
ROW = BookingRow(
    booked_at=datetime(2026, 5, 7, 12, tzinfo=UTC),
    kind="sale",
    order_number="A-1001",
    account="",
    voucher_id="vpg-1",
    amount=D("50.00"),
    currency="EUR",
    vat_kind="multi_purpose",
    vat_rate=None,
    origin="sold",
    batch="",
    actor="",
    remote_id="vpg-1",
    operation=7,
)
accounts = DatevAccounts(**ACCOUNTS)


def written(*rows, span=MAY):
    return "".join(batch_lines(rows, batch_of(*span, accounts), accounts)).split("\r\n")


def test_the_header_is_the_documented_one():
    header, columns, record, end = written(ROW)
    assert end == ""
    made = header.split(";")[5]
    assert header == (
        f'"EXTF";700;21;"Buchungsstapel";13;{made};;"";"";"";29098;55003;20260101;4;20260501;20260531;'
        '"Gutscheine 01.05.2026";"";1;0;0;"EUR";;"";;;"04";;;"";""'
    )
    assert len(made) == 17
    assert made.isdecimal()
    assert len(columns.split(";")) == len(COLUMNS) == 125
    assert columns.startswith(
        "Umsatz (ohne Soll/Haben-Kz);Soll/Haben-Kennzeichen;WKZ Umsatz;Kurs;Basis-Umsatz;"
    )
    assert (COLUMNS[9], COLUMNS[113], COLUMNS[117]) == ("Belegdatum", "Festschreibung", "Generalumkehr (GU)")
    assert record.startswith(
        '50,00;"H";"EUR";;;"";3272;1370;"";0705;"A-1001";"";;"Gutscheinverkauf Mehrzweck A-1001"'
    )
    assert record.count(";") == 124
    assert parsed([header, columns, record])[0]["Festschreibung"] == "0"


@pytest.mark.parametrize(
    ("kind", "side"),
    [("sale", "H"), ("recharge", "H"), ("refund", "H"), ("charge", "S"), ("take_back", "S")],
)
def test_a_multi_purpose_voucher_moves_the_liability_and_a_single_purpose_one_the_revenue(kind, side):
    multi = posting_of(replace(ROW, kind=kind), date(2026, 5, 7), accounts)
    assert (multi.side, multi.account, multi.contra) == (side, "3272", "1370")
    row = replace(ROW, kind=kind, vat_kind="single_purpose", vat_rate=D("7.00"))
    single = posting_of(row, date(2026, 5, 7), accounts)
    assert (single.side, single.account, single.contra) == (side, "4300", "1370")
    assert "Einzweck 7 %" in single.text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"currency": "CHF"}, "operation 7 is in CHF"),
        ({"vat_kind": "single_purpose", "vat_rate": D("5.5")}, "with 5.5 % VAT: name the revenue account"),
        ({"vat_kind": "single_purpose"}, "a single-purpose voucher whose rate of VAT is not known"),
        ({"vat_kind": ""}, "it is not known whether VAT was paid"),
    ],
)
def test_what_has_no_account_is_never_guessed(changes, sentence):
    with pytest.raises(UnbookableError, match=sentence):
        written(replace(ROW, **changes))


def test_a_tax_adviser_may_say_what_unknown_vouchers_are():
    decided = accounts.model_copy(update={"unknown_vat": "multi_purpose"})
    assert posting_of(replace(ROW, vat_kind=""), date(2026, 5, 7), decided).account == "3272"


def test_texts_are_cut_cleaned_and_quoted():
    row = replace(ROW, order_number='-é"\n;=' + "x" * 60)
    line = written(row)[2]
    (found,) = parsed(written(row)[:3])
    assert found["Belegfeld 1"] == ("___" + "_" * 2 + "x" * 60)[:36]
    assert found["Buchungstext"].startswith('Gutscheinverkauf Mehrzweck -é" ;=x')
    assert len(found["Buchungstext"]) == 60
    assert '-é"" ;=' in line
    line.encode("cp1252")
    assert "?" in parsed(written(replace(ROW, order_number="Ω"))[:3])[0]["Buchungstext"]


def test_a_file_is_of_one_fiscal_year(monkeypatch):
    begins = [("01-01", date(2026, 1, 1)), ("05-01", date(2026, 5, 1)), ("07-01", date(2025, 7, 1))]
    for text, begin in begins:
        assert batch_of(*MAY, accounts.model_copy(update={"fiscal_year_begins": text})).fiscal_year == begin
    with pytest.raises(UnbookableError, match="two fiscal years"):
        batch_of(*MAY, accounts.model_copy(update={"fiscal_year_begins": "05-15"}))
    monkeypatch.setattr(datev, "MAX_ROWS", 1)
    with pytest.raises(UnbookableError, match="too many"):
        written(ROW, ROW)


@pytest.mark.parametrize(
    ("changes", "name", "sentence"),
    [
        ({"DATEV_ACCOUNTS": None}, "EXTF_x.csv", "DATEV_ACCOUNTS is not set"),
        ({}, "x.csv", "DATEV takes a file named such as EXTF_Gutscheine.csv"),
        (MERCHANTS, "EXTF_x.csv", "--account: DATEV takes a file for each merchant."),
        ({}, "EXTF_x.csv", "operation"),
    ],
)
def test_no_half_file_is_left(seller, gateway_settings, run, tmp_path, changes, name, sentence):
    gateway.activate(seller.order("50.00", note="full=50.00"))
    gateway_settings(**{"DATEV_ACCOUNTS": {**ACCOUNTS, "revenue": {}}, **changes})
    until = timezone.now() + timedelta(minutes=1)
    since = until - timedelta(minutes=10)
    options = ("--since", since, "--until", until, "--format", "datev", "--file", tmp_path / name)
    _, told_, code = run("voucher_bookings", *options)
    assert (code, sentence in told_) == (2, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"consultant": 1}, "DATEV_ACCOUNTS.consultant: must be at least 1001"),
        ({"client": 100_000}, "DATEV_ACCOUNTS.client: must be at most 99999"),
        (
            {"liability": "32 72"},
            "DATEV_ACCOUNTS.liability: must be the number of an account, up to 8 digits",
        ),
        ({"clearing": "3272"}, "DATEV_ACCOUNTS.clearing: must not be the account of the liability"),
        ({"revenue": {"19": "01370"}}, "DATEV_ACCOUNTS.revenue: must not be the account named as clearing"),
        ({"revenue": {"19": "3272"}}, "DATEV_ACCOUNTS.revenue: must not be the account named as liability"),
        (
            {"revenue": {"19": "4400", "19.0": "4300"}},
            "DATEV_ACCOUNTS.revenue: must have each rate once, however many decimals it is written with",
        ),
        (
            {"unknown_rate": "16"},
            "DATEV_ACCOUNTS.unknown_rate: must be one of the rates of DATEV_ACCOUNTS.revenue",
        ),
        ({"clearing": "13700"}, "DATEV_ACCOUNTS.clearing: has more digits than account_length says"),
        (
            {"revenue": {"19 %": "4400"}},
            'DATEV_ACCOUNTS.revenue: must have rates in percent as keys, such as "19"',
        ),
        (
            {"fiscal_year_begins": "02-30"},
            'DATEV_ACCOUNTS.fiscal_year_begins: must be the month and the day, such as "01-01"',
        ),
        ({"chart": "49"}, "DATEV_ACCOUNTS.chart: must be '', '03' or '04'"),
        (
            {"liablity": "3272"},
            "DATEV_ACCOUNTS.liablity: is not a setting of this app; did you mean DATEV_ACCOUNTS.liability?",
        ),
    ],
)
def test_wrong_accounts_are_told(given, wrong, sentence):  # noqa: F811
    assert told(given({"DATEV_ACCOUNTS": {**ACCOUNTS, **wrong}})) == [("E060", sentence)]
    assert told(given({"DATEV_ACCOUNTS": ACCOUNTS})) == []
