"""``voucher_reconcile``: a list grouped by voucher, a file for a spreadsheet, exit codes for a timer."""

import csv
import io
import re
import stat
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.utils import timezone
from django.utils.translation import override

from tests.docs.pages import page as read_page
from tests.docs.pages import rows, section, words
from voucher_payment_gateway import gateway
from voucher_payment_gateway.management import progress
from voucher_payment_gateway.management.difference_list import COLUMNS
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation

CODE = "SECRET-CODE-4711-WXYZ"


@pytest.fixture
def voucher(shop):
    return shop.voucher("100.00", code=CODE)


@pytest.fixture
def doubled(shop, voucher):
    """An order of a moment ago whose charge was booked twice."""
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.capture(order)
    shop.later(minutes=5)
    return book_again(shop)


def book_again(shop, amount="20.00"):
    reference = VoucherOperation.objects.filter(kind="charge").last().reference
    return shop.cloud.charge(shop.cloud.reserve(CODE, amount), reference)


def run(*arguments):
    """Run it over the last day and the next; return what it printed and how it ended."""
    window = [
        f"--since={timezone.now() - timedelta(days=1)}",
        f"--until={timezone.now() + timedelta(days=1)}",
    ]
    return run_bare(*window, *arguments)


def run_bare(*arguments):
    printed = io.StringIO()
    try:
        call_command("voucher_reconcile", *map(str, arguments), stdout=printed)
    except CommandError as error:
        return printed.getvalue(), error.returncode, str(error)
    return printed.getvalue(), 0, ""


def test_without_differences_it_says_so_and_ends_with_zero(shop):
    assert run() == ("No differences.\n", 0, "")


def test_differences_are_listed_by_voucher_and_end_with_one(shop, voucher, doubled):
    book_again(shop, "7.00")
    printed, code, sentence = run()
    first, second, why, third, _ = printed.splitlines()
    assert first == f"voucher {voucher.id} (…WXYZ)"
    assert re.fullmatch(r"  \d+  theirs, not ours  order A-1001  ours -, theirs 20.00 EUR  new", second)
    assert re.fullmatch(r"  \d+  theirs, not ours  order A-1001  ours -, theirs 7.00 EUR  new", third)
    assert why.strip().startswith("The Voucher Cloud has a charge of 20.00 EUR with the number A-1001-1.")
    assert (code, sentence) == (1, "2 differences, 2 new.")
    printed, code, sentence = run()
    assert f"since {timezone.now():%Y-%m-%d}" in printed
    assert (code, sentence) == (1, "2 differences, none new.")


def test_a_german_shop_reads_a_line_in_one_language(shop, doubled):
    with override("de"):
        printed, _, _ = run()
    assert "theirs, not ours  order" in printed


def test_the_day_of_a_difference_is_that_of_the_shop(shop, doubled, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    run()
    VoucherDifference.objects.update(first_seen_at=datetime(2025, 11, 1, 23, 30, tzinfo=UTC))
    assert "since 2025-11-02" in run()[0]


def test_what_could_not_be_compared_ends_with_two(shop, voucher, doubled):
    shop.cloud.store.state.vouchers[voucher.id].deleted = True
    printed, code, sentence = run()
    assert "not compared" in printed
    assert (code, sentence) == (2, "1 voucher could not be compared.")


def test_an_unreachable_voucher_cloud_ends_with_two_and_a_sentence(shop, doubled, gateway_settings):
    gateway_settings(BASE_URL="http://127.0.0.1:9/v1", TIMEOUT_SECONDS=0.2, DEADLINE_SECONDS=0.2)
    _, code, sentence = run()
    assert code == 2
    assert sentence == (
        "Not everything was compared: The Voucher Cloud cannot be reached just now. No money moved; please try again "
        "later (unavailable). Run it again for the same period."
    )


def test_an_explained_difference_is_not_listed_any_more(shop, doubled):
    run()
    number = VoucherDifference.objects.get().pk
    printed, code, _ = run_bare("--explain", number, "Booked back on 2026-11-23.", "--by", "anna")
    assert (printed, code) == (f"Difference {number} is explained.\n", 0)
    assert VoucherDifference.objects.get().explained_by == "anna"
    assert run() == ("No differences.\n", 0, "")


def test_who_explains_is_the_user_of_the_system_unless_named(shop, doubled, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ben")
    run()
    run_bare("--explain", VoucherDifference.objects.get().pk, "Known.")
    assert VoucherDifference.objects.get().explained_by == "ben"


@pytest.mark.parametrize("wrong", [("0", "Known."), ("x", "Known."), ("²", "Known."), (None, " ")])
def test_what_cannot_be_explained_is_refused(shop, doubled, wrong):
    run()
    number = wrong[0] or VoucherDifference.objects.get().pk
    _, code, sentence = run_bare("--explain", number, wrong[1], "--by", "anna")
    assert code == 1
    assert sentence.startswith("--explain: ")
    assert "explanation" not in sentence
    assert sentence.endswith("Nothing was written.")
    assert VoucherDifference.objects.get().explained_at is None


def test_who_explains_must_have_a_name_that_can_be_stored(shop, doubled):
    run()
    number = VoucherDifference.objects.get().pk
    _, code, sentence = run_bare("--explain", number, "Known.", "--by", "x" * 200)
    assert (code, sentence.partition(": ")[0]) == (1, "--by")
    assert sentence.endswith("Nothing was written.")


def test_an_amount_has_its_currency_on_either_side(shop, voucher, doubled):
    """Also where one side has no booking, or the other has another amount."""
    charge = VoucherOperation.objects.filter(kind="charge").last()
    shop.cloud.store.state.vouchers[voucher.id].booking_ids.remove(charge.remote_id)
    shop.cloud.store.state.vouchers[voucher.id].booking_ids.remove(doubled.id)
    assert "  ours 20.00 EUR, theirs -  new" in run()[0]
    shop.cloud.store.state.vouchers[voucher.id].booking_ids.append(charge.remote_id)
    shop.cloud.store.state.bookings[charge.remote_id].amount_cents += 1
    assert "  ours 20.00 EUR, theirs 20.01 EUR  new" in run()[0]


def test_what_has_no_amount_shows_none(shop, voucher, doubled):
    shop.cloud.store.state.vouchers[voucher.id].deleted = True
    printed, *_ = run()
    assert re.search(r"  \d+  not compared  new\n", printed)


# the window


@pytest.fixture
def windows(monkeypatch):
    seen = []
    monkeypatch.setattr(
        gateway, "reconcile", lambda since, until, progress: seen.append((since, until)) or []
    )
    return seen


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_yesterday_is_compared_from_midnight_to_midnight(windows, monkeypatch, settings, zone):
    at = datetime(2026, 3, 30, 3, 0, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: at)
    settings.TIME_ZONE = zone
    run_bare()
    ((since, until),) = windows
    today = at.astimezone(ZoneInfo(zone)).date()
    assert until == datetime(today.year, today.month, today.day, tzinfo=ZoneInfo(zone))
    assert since.astimezone(ZoneInfo(zone)).isoformat()[:19] == f"{today - timedelta(days=1)}T00:00:00"
    if zone == "Europe/Berlin":
        assert (until.astimezone(UTC) - since.astimezone(UTC)) == timedelta(hours=23)


@pytest.mark.parametrize(
    ("arguments", "since", "until"),
    [
        (
            ("--since=2026-03-01", "--until=2026-03-03"),
            "2026-03-01T00:00:00+01:00",
            "2026-03-03T00:00:00+01:00",
        ),
        (("--until=2026-03-03",), "2026-03-02T00:00:00+01:00", "2026-03-03T00:00:00+01:00"),
        (
            ("--since=2026-03-01T08:30", "--until=2026-03-01T09:00Z"),
            "2026-03-01T08:30:00+01:00",
            "2026-03-01T09:00:00+00:00",
        ),
    ],
)
def test_dates_and_instants_are_of_our_own_time_zone(windows, settings, arguments, since, until):
    settings.TIME_ZONE = "Europe/Berlin"
    with timezone.override(ZoneInfo("America/New_York")):  # of whoever calls the command
        run_bare(*arguments)
    assert [each.isoformat() for each in windows[0]] == [since, until]


@pytest.mark.parametrize(
    "wrong",
    [
        "--since=yesterday",
        "--until=2026-13-01",
        "--since=2026-11",
        "--until=0001-01-01",
        "--until=0001-01-01T00:00:00+14:00",
        "--until=9999-12-31T23:59:59-12:00",
    ],
)
def test_what_is_no_date_is_refused_with_an_example(shop, wrong):
    _, code, sentence = run_bare(wrong)
    assert code == 1
    assert "2026-11-22" in sentence


def test_a_window_that_ends_before_it_begins_is_refused(shop):
    _, code, sentence = run_bare("--since=2026-11-22", "--until=2026-11-22")
    assert (code, sentence) == (2, "--until: must be later than --since.")


# the file


def test_the_file_has_a_row_for_each_difference(shop, voucher, doubled, tmp_path):
    file = tmp_path / "differences.csv"
    run("--csv", file)
    header, row = csv.reader(file.read_text().splitlines())
    assert tuple(header) == COLUMNS
    cells = dict(zip(header, row, strict=True))
    assert (cells["voucher_id"], cells["code_hint"], cells["kind"]) == (voucher.id, "WXYZ", "theirs_only")
    assert (cells["amount_ours"], cells["amount_theirs"], cells["currency"]) == ("", "20.00", "EUR")
    assert cells["remote_id"] == doubled.id
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_can_be_taken_for_a_formula(shop, doubled, tmp_path, begin):
    shop.cloud.store.state.bookings[doubled.id].order_number = f"{begin}SUM(A1)"
    run("--csv", tmp_path / "differences.csv")
    with (tmp_path / "differences.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["reference"] == f"'{begin}SUM(A1)"
    assert [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_what_others_wrote_does_not_steer_the_terminal(shop, doubled):
    shop.cloud.store.state.bookings[doubled.id].order_number = "\x1b[2J\n\u202e"
    printed, _, _ = run()
    assert "with the number ?[2J??" in printed


def test_a_run_that_fails_leaves_the_older_file_as_it_was(shop, doubled, tmp_path, gateway_settings):
    file = tmp_path / "differences.csv"
    file.write_text("older")
    gateway_settings(CLIENT_ID="nobody")
    _, code, sentence = run("--csv", file)
    assert (code, file.read_text(), list(tmp_path.iterdir())) == (2, "older", [file])
    assert "credentials" in sentence


@pytest.mark.parametrize("name", ["", "missing/differences.csv"])
def test_a_file_that_cannot_be_written_is_told_before_anything_is_compared(shop, doubled, tmp_path, name):
    _, code, sentence = run("--csv", tmp_path / name)
    assert code == 2
    assert sentence.startswith("--csv: ")
    assert not VoucherDifference.objects.exists()


# secrets and progress


def test_nothing_secret_is_printed_or_written(shop, doubled, tmp_path, caplog, client):
    printed, _, _ = run("--csv", tmp_path / "differences.csv")
    row = VoucherDifference.objects.get()
    everything = (
        printed + (tmp_path / "differences.csv").read_text() + caplog.text + repr(vars(row)) + str(row)
    )
    assert "WXYZ" in everything
    assert CODE not in everything
    assert CODE[:-4] not in everything


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("library", [True, False])
def test_a_terminal_shows_progress(shop, doubled, monkeypatch, library):
    if not library:
        monkeypatch.setattr(progress, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    run()
    shown = sys.stderr.getvalue()
    assert ("1/1" if library else "\r1 of 1 vouchers") in shown


def test_where_there_is_no_terminal_nothing_is_shown(shop, doubled, capsys):
    run()
    assert capsys.readouterr().err == ""


# the admin


@pytest.fixture
def staff(client):
    def login(*permissions):
        user = User.objects.create_user("anna", is_staff=True)
        user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
        client.force_login(user)
        return client

    return login


@pytest.fixture
def difference(shop, doubled):
    run()
    return VoucherDifference.objects.get()


def page(difference):
    return f"/admin/voucher_payment_gateway/voucherdifference/{difference.pk}/change/"


def test_who_may_change_differences_explains_them_in_the_admin(difference, staff):
    visitor = staff("view_voucherdifference", "change_voucherdifference")
    assert "new_explanation" in visitor.get(page(difference)).text
    visitor.post(
        page(difference), {"new_explanation": "Booked back.", "sentence": "forged", "gone_at_0": "2026-01-01"}
    )
    row = VoucherDifference.objects.get()
    assert (row.explained_by, row.explained_at is None, row.sentence) == ("anna", False, difference.sentence)
    assert row.explanation.endswith(" anna: Booked back.\n")
    assert row.gone_at is None


def test_an_empty_explanation_is_refused_in_the_admin(difference, staff):
    answer = staff("view_voucherdifference", "change_voucherdifference").post(
        page(difference), {"new_explanation": " "}
    )
    assert answer.status_code == 200
    assert VoucherDifference.objects.get().explained_at is None


def test_who_may_only_look_explains_nothing(difference, staff):
    visitor = staff("view_voucherdifference")
    assert "new_explanation" not in visitor.get(page(difference)).text
    assert visitor.post(page(difference), {"new_explanation": "Booked back."}).status_code == 403
    assert VoucherDifference.objects.get().explained_at is None


def test_nobody_adds_or_deletes_a_difference_in_the_admin(difference, staff):
    visitor = staff(*(f"{what}_voucherdifference" for what in ("add", "change", "delete", "view")))
    folder = "/admin/voucher_payment_gateway/voucherdifference/"
    assert visitor.get(f"{folder}add/").status_code == 403
    assert visitor.post(f"{folder}{difference.pk}/delete/", {"post": "yes"}).status_code == 403
    assert CODE not in visitor.get(folder).text


@pytest.mark.parametrize(("state", "expected"), [("open", 1), ("explained", 0), ("gone", 0)])
def test_the_list_in_the_admin_is_filtered_by_state(difference, staff, state, expected):
    answer = staff("view_voucherdifference").get(
        "/admin/voucher_payment_gateway/voucherdifference/", {"state": state}
    )
    assert answer.context["cl"].result_count == expected


# the page


def test_the_how_to_page_tells_what_each_kind_means():
    documented = rows(section(read_page("how-to/reconcile.md"), "What each difference means"))
    assert {words(cells[0])[0] for cells in documented} == set(VoucherDifference.Kind.values)
