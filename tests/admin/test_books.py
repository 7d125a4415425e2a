"""The admin's pages of the books: the export of bookings, and the closed periods."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from tests.books.conftest import run, seller  # noqa: F401  fixtures
from tests.books.datev_files import ACCOUNTS
from tests.books.month import period
from tests.books.old_orders import spend
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.periods import close_period
from voucher_payment_gateway.models import VoucherClosedPeriod, VoucherOperation

FOLDER = "/admin/voucher_payment_gateway/voucherclosedperiod/"
MAY_EXPORT = "export_voucherbookings"


@pytest.fixture
def booked(seller):  # noqa: F811
    """A voucher that was sold, and an order with the number of a formula that it paid."""
    (sale,) = gateway.activate(seller.order("50.00", number="S-1", note="full=50.00"))
    spend(seller, seller.cloud.voucher(sale.voucher_id).code, "20.00", "=1+1")
    return sale


def today():
    return timezone.localdate()


def export(client, **given):
    form = {"first": today(), "last": today(), "file_format": "csv", **given}
    return client.post(f"{FOLDER}export/", form)


def content(response):
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "datev"])
def test_the_export_has_the_bytes_of_the_command(booked, desk, run, tmp_path, gateway_settings, file_format):  # noqa: F811
    gateway_settings(DATEV_ACCOUNTS=ACCOUNTS)
    target = tmp_path / "EXTF_x.csv"
    since, until = today(), today() + timedelta(days=1)
    options = ("--since", since, "--until", until, "--format", file_format, "--file", target)
    assert run("voucher_bookings", *options)[2] == 0
    response = export(desk(MAY_EXPORT).client, file_format=file_format)
    assert response.streaming
    assert "attachment" in response["Content-Disposition"]
    assert ("EXTF_Gutscheine_" in response["Content-Disposition"]) is (file_format == "datev")
    exported, written = content(response), target.read_bytes()
    assert len(exported.splitlines()) >= 2
    if file_format == "datev":  # the header says when it was made
        exported, written = (
            b";".join([*text.split(b";")[:5], *text.split(b";")[6:]]) for text in (exported, written)
        )
    assert exported == written
    if file_format == "csv":
        assert b",'=1+1," in exported


@pytest.mark.parametrize(
    ("given", "field", "cure"),
    [
        ({"last": "2020-01-01"}, "last", "give the same day or a later one"),
        ({"first": "yesterday"}, "first", "Enter a valid date"),
        ({"file_format": "xlsx"}, "file_format", "Select a valid choice"),
        ({"file_format": "datev", "first": "2020-12-31"}, "file_format", "write a file for each"),
        (
            {"file_format": "datev"},
            "file_format",
            "name the revenue account of this rate in DATEV_ACCOUNTS.revenue",
        ),
    ],
)
def test_what_cannot_be_exported_is_told_at_its_field_with_the_cure(
    booked, desk, gateway_settings, given, field, cure
):
    gateway_settings(DATEV_ACCOUNTS={**ACCOUNTS, "revenue": {}})
    page = export(desk(MAY_EXPORT).client, **given)
    assert page.status_code == 200
    (error,) = page.context["form"].errors[field]
    assert cure in error
    assert cure in page.text


def test_datev_is_offered_only_with_its_accounts_and_of_one_merchant(booked, desk, gateway_settings):
    clerk = desk(MAY_EXPORT).client
    assert "DATEV" not in clerk.get(f"{FOLDER}export/").text
    assert "file_format" in export(clerk, file_format="datev").context["form"].errors
    south = {"south": {"CLIENT_ID": "south", "CLIENT_SECRET": "secret"}}
    gateway_settings(
        DATEV_ACCOUNTS=ACCOUNTS, ACCOUNTS=south, ACCOUNT_OF_ORDER="tests.accounts.shop.merchant_of"
    )
    assert "a file for each merchant" in export(clerk, file_format="datev", account="*").text
    assert content(export(clerk, account="south")).count(b"\r\n") == 1
    assert content(export(clerk, account="*")).count(b"\r\n") == 3


def test_who_may_not_export_does_not(booked, desk):
    client = desk("view_voucherclosedperiod", "view_voucherpayment").client
    assert client.get(f"{FOLDER}export/").status_code == 403
    assert export(client).status_code == 403
    assert f"{FOLDER}export/" not in client.get(FOLDER).text
    client = desk(MAY_EXPORT, name="eva").client
    assert f"{FOLDER}export/" in client.get(FOLDER).text
    assert client.post(f"{FOLDER}add/").status_code == 403


@pytest.fixture
def closed(booked):
    VoucherOperation.objects.update(settled_at=timezone.now() - timedelta(hours=8))
    return close_period(*period(), actor="anna")


def test_a_closed_period_tells_who_when_the_sums_and_a_later_change(closed, desk):
    client = desk("view_voucherclosedperiod", "change_voucherclosedperiod").client
    page = client.get(FOLDER).text
    for text in (
        "anna",
        "sold: €50.00 (1)",
        "redeemed: €20.00 (1)",
        "voucher_bookings --close",
        'alt="True"',
    ):
        assert text in page, text
    VoucherOperation.objects.filter(kind="charge").update(amount="30.00")
    again = {"action": "check_again", "_selected_action": closed.pk}
    assert "open it to see which" in client.post(FOLDER, again, follow=True).text
    assert 'alt="False"' in client.get(FOLDER).text
    page = client.get(f"{FOLDER}{closed.pk}/change/").text
    assert "redeemed: €20.00 (1) → €30.00 (1)" in page
    assert '<input type="submit"' not in page.partition("<footer")[0].partition('id="content"')[2]
    VoucherOperation.objects.filter(kind="charge").update(amount="20.00")
    assert "as they were" in client.post(FOLDER, again, follow=True).text


def test_who_may_only_look_at_periods_notes_no_change_with_them(closed, desk):
    VoucherOperation.objects.filter(kind="charge").update(amount="30.00")
    client = desk("view_voucherclosedperiod").client
    assert "check_again" not in client.get(FOLDER).text
    client.post(FOLDER, {"action": "check_again", "_selected_action": closed.pk})
    closed.refresh_from_db()
    assert closed.changed_at is None


def test_the_list_of_periods_has_a_fixed_number_of_statements_and_is_german(
    closed, desk, django_assert_num_queries
):
    for month in range(1, 30):
        values = {name: getattr(closed, name) for name in ("figures", "digest", "closed_at", "closed_by")}
        begin = closed.since - timedelta(days=31 * month)
        VoucherClosedPeriod(since=begin, until=begin + timedelta(days=31), **values).save()
    client = desk("view_voucherclosedperiod").client
    client.get(FOLDER)
    with django_assert_num_queries(6), translation.override("de"):
        page = client.get(FOLDER)
    assert page.text.count("verkauft: 50,00") == 30
    assert "Abgeschlossene Gutschein-Zeiträume" in page.text
