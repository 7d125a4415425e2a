"""A day of the books is one of the shop's time zone, whatever time zone a person has active; and its bounds."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.books.datev_files import ACCOUNTS
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.days import midnight, today
from voucher_payment_gateway.books.liability import MARGIN, NoSnapshotError, take_snapshot
from voucher_payment_gateway.books.periods import NotClosedError, close_period
from voucher_payment_gateway.management.instants import instant, last_month
from voucher_payment_gateway.models import VoucherClosedPeriod, VoucherOperation

FOLDER = "/admin/voucher_payment_gateway/voucherclosedperiod/"
ELSEWHERE = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
DOCS = Path(__file__).parents[2] / "docs" / "how-to"
DAY = timezone.now().date() - timedelta(days=10)


@pytest.fixture
def clerk(desk, gateway_settings):
    gateway_settings(DATEV_ACCOUNTS=ACCOUNTS)
    return desk("export_voucherbookings").client


def exported(clerk, **given):
    response = clerk.post(f"{FOLDER}export/", {"first": DAY, "last": DAY, "file_format": "csv", **given})
    return b"".join(response.streaming_content)


@pytest.fixture
def first_minute(seller):
    """A voucher that was sold in the first minute of a day."""
    gateway.activate(seller.order("50.00", number="S-1", note="multi=50.00"))
    VoucherOperation.objects.update(settled_at=midnight(DAY))


def test_two_clerks_in_other_time_zones_get_one_file(first_minute, clerk):
    here = exported(clerk), made_apart(exported(clerk, file_format="datev"))
    assert here[0].count(b"S-1") == here[1].count(b'"S-1"') == 1
    for zone in ELSEWHERE:
        with timezone.override(zone):
            assert (exported(clerk), made_apart(exported(clerk, file_format="datev"))) == here
            assert b"S-1" not in exported(clerk, first=DAY - timedelta(days=1), last=DAY - timedelta(days=1))


def made_apart(file):
    """Return a DATEV file without the instant at which it was made."""
    return b";".join([*file.split(b";")[:5], *file.split(b";")[6:]])


def test_snapshots_and_periods_are_of_the_shop_s_days(first_minute, desk):
    expected = [row.sold for row in take_snapshot(DAY)]
    assert expected == [50]
    span = {"since": midnight(DAY), "until": midnight(DAY + timedelta(days=1))}
    VoucherClosedPeriod(figures={}, digest="x", closed_at=timezone.now(), closed_by="anna", **span).save()
    client, periods = desk("view_voucherclosedperiod", name="eva").client, last_month()
    page = client.get(FOLDER).context["cl"].result_list[0]
    for zone in ELSEWHERE:
        with timezone.override(zone):
            assert instant(str(DAY)) == midnight(DAY)
            assert last_month() == periods
            assert take_snapshot(DAY + timedelta(days=1))[0].outstanding == 50
            assert f"{DAY:%m/%d/%Y} – {DAY:%m/%d/%Y}" in client.get(FOLDER).text
            assert f"{DAY:%m/%d/%Y} – {DAY:%m/%d/%Y}" in client.get(f"{FOLDER}{page.pk}/change/").text


def test_a_snapshot_that_is_too_early_says_from_when_on_it_can_be_written(seller):
    day = today()
    begins = midnight(day + timedelta(days=1)) + MARGIN
    at = begins.astimezone(timezone.get_default_timezone())
    for zone in ELSEWHERE:
        with pytest.raises(NotClosedError, match=f"from {at:%Y-%m-%d} 00:01 on"):
            close_period(midnight(day), midnight(day + timedelta(days=1)), actor="anna")
        with timezone.override(zone), pytest.raises(NoSnapshotError, match=f"from {at:%Y-%m-%d %H:%M} on"):
            take_snapshot(day)


@pytest.mark.parametrize("name", ["close-the-month", "run-in-the-background"])
def test_the_documented_hour_is_one_at_which_it_works(name):
    text = (DOCS / f"{name}.md").read_text()
    (times,) = re.findall(r"^(\d+) (\d+) \* \* \* .*voucher_liability$", text, re.MULTILINE)
    assert timedelta(minutes=int(times[0]), hours=int(times[1])) >= MARGIN
    assert timedelta(minutes=15) == MARGIN  # the page says 00:15


@pytest.mark.parametrize("file_format", ["csv", "datev"])
@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2020-01-01", "9999-12-31", "last"),
        ("0001-01-01", "2020-01-02", "first"),
        ("0900-01-01", "2020-01-02", "first"),
        ("1999-12-31", "2020-01-02", "first"),
    ],
)
def test_days_that_no_file_can_name_are_told_at_their_field(seller, clerk, file_format, first, last, field):
    page = clerk.post(f"{FOLDER}export/", {"first": first, "last": last, "file_format": file_format})
    assert page.context["form"].errors[field] == ["Give a day of the years 2000 to 2099."]


def test_the_last_day_of_a_file_is_one_too(seller, clerk):
    day = date(2099, 12, 31)
    assert exported(clerk, first=day, last=day, file_format="datev").count(b"\r\n") == 2


@pytest.mark.parametrize("since", ["0004-01-01", "0900-01-01", "1999-12-01"])
def test_the_command_tells_days_that_datev_does_not_take(seller, run, gateway_settings, tmp_path, since):
    gateway_settings(DATEV_ACCOUNTS=ACCOUNTS)
    options = (
        "--since",
        since,
        "--until",
        "2026-01-01",
        "--format",
        "datev",
        "--file",
        tmp_path / "EXTF_x.csv",
    )
    _, told, code = run("voucher_bookings", *options)
    assert (code, "takes days from 2000-01-01 to 2099-12-31 alone" in told) == (2, True)
