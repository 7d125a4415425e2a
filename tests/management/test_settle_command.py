"""``voucher_settle``: once, or again and again until it is stopped; what it prints, and how it ends."""

import io
import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.docs.pages import ROOT
from tests.management.settling import CODE
from tests.postgres_server import MISSING, postgres_cluster, programs
from voucher_payment_gateway import gateway
from voucher_payment_gateway.docs_url import docs_url
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.gateway.records import instance
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation

PAUSE_SECONDS = 60


def settle(*arguments):
    printed = io.StringIO()
    call_command("voucher_settle", *arguments, stdout=printed)
    return printed.getvalue()


@pytest.fixture
def unknown(shop):
    """Three orders whose charges were booked while their answers were lost."""
    for number in range(3):
        shop.voucher("20.00", code=f"GIFT-{number}")
        order = shop.order("20.00", number=f"A-{number}")
        gateway.authorize(order, f"GIFT-{number}")
        shop.cloud.faults.next("after:drop", path="*/charge")
        with pytest.raises(OutcomeUnknownError):
            gateway.capture(order)
    shop.later(minutes=5)
    return VoucherOperation.objects.filter(state="unknown")


def test_one_run_settles_prints_its_report_and_ends(unknown):
    assert settle().splitlines() == [
        "sent 0, abandoned 0, found 3, manual 0, cancelled 0, by_status 0, renewed 0, unpaid 0, sold 0, "
        "delivered 0, reminded 0, lapsed 0, erased 0, reviews 0, "
        "told 0, unavailable 0, still_open 0"
    ]
    assert not unknown.exists()


def test_once_is_what_it_does_unless_told_otherwise(unknown):
    assert settle("--once") == settle().replace("found 0", "found 3")


def test_a_limit_leaves_the_rest_to_the_next_run(unknown):
    assert "found 2" in settle("--limit", "2")
    assert unknown.count() == 1
    assert "found 1" in settle("--limit", "2")


@pytest.mark.parametrize(
    "arguments",
    [("--limit", "0"), ("--every", "0"), ("--every", "-1"), ("--every", "nan"), ("--every", "inf")],
)
def test_a_figure_that_makes_no_sense_is_refused(db, arguments):
    with pytest.raises(CommandError, match="above zero, and --every a day at most"):
        settle(*arguments)


def test_once_and_every_exclude_each_other(db):
    with pytest.raises(CommandError, match="not allowed with"):
        settle("--once", "--every", "60")


# A copied database


@pytest.fixture
def copied(db, gateway_settings):
    VoucherGatewayState.objects.create(name="instance", value="production")
    gateway_settings(INSTANCE="staging")


def test_in_a_copied_database_nothing_is_settled_and_the_cure_is_told(copied):
    with pytest.raises(CommandError, match=r"of 'production', not of 'staging'.*voucher_settle --adopt"):
        settle()


def test_adopting_says_both_names_and_what_comes_first_and_settles_nothing(copied, monkeypatch):
    monkeypatch.setattr(gateway, "settle", lambda *_, **__: pytest.fail("settled"))
    printed = settle("--adopt")
    assert printed.startswith("This database was that of 'production', and is that of 'staging' now.\n")
    assert docs_url("how-to/restores-and-copies") in printed
    assert (ROOT / "docs/how-to/restores-and-copies.md").is_file()
    monkeypatch.undo()
    assert "sent 0" in settle()


def test_a_database_without_a_name_is_adopted_too(db, gateway_settings):
    gateway_settings(INSTANCE="production")
    assert settle("--adopt").startswith("This database had no name, and is that of 'production' now.")


def test_without_instance_nothing_can_be_adopted(db):
    with pytest.raises(CommandError, match="INSTANCE is not set"):
        settle("--adopt")
    assert not VoucherGatewayState.objects.exists()


@pytest.mark.parametrize("option", [("--once",), ("--every", "60")])
def test_adopting_and_settling_exclude_each_other(db, option):
    with pytest.raises(CommandError, match="not allowed with"):
        settle("--adopt", *option)


def test_a_run_that_is_repeated_goes_on_after_the_adoption(copied, monkeypatch):
    """The process of ``--every`` waits for a person, and settles from then on."""
    monkeypatch.setattr(threading.Event, "wait", lambda *_: instance.adopt() == "staging")
    printed, errors = io.StringIO(), io.StringIO()
    call_command("voucher_settle", "--every", "60", stdout=printed, stderr=errors)
    assert errors.getvalue().startswith("INSTANCE: this database is that of 'production'")
    assert printed.getvalue().startswith("sent 0")


# Again and again


class Settler:
    """A process that settles every minute, and what it printed so far."""

    def __init__(self, base_url, every="60", database_url="sqlite:"):
        command = [sys.executable, "-m", "tests.management.settling", base_url, every]
        environment = {**os.environ, "DATABASE_URL": database_url}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)

    def end(self, number, then=lambda: None):
        """Ask it to end, and do something ``then``; return what it printed, and its exit code.

        Raises subprocess.TimeoutExpired where it goes on to the end of its pause.
        """
        self.process.send_signal(number)
        then()
        printed, errors = self.process.communicate(timeout=PAUSE_SECONDS / 2)
        assert errors == ""
        return printed.splitlines(), self.process.returncode


@pytest.fixture
def settler(server, voucher_cloud):
    voucher_cloud.add_voucher(code=CODE, amount="20.00")
    voucher_cloud.faults.next("after:drop", path="*/charge")
    settlers = []

    def start(**options):
        settlers.append(Settler(server.base_url, **options))
        return settlers[-1]

    yield start
    for each in settlers:
        each.process.kill()
        each.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_run_that_is_under_way_ends_before_the_process_does(settler, voucher_cloud, number):
    reading, may_answer = threading.Event(), threading.Event()
    answer = voucher_cloud.answer

    def slow(request):
        if request.method == "GET":
            reading.set()
            may_answer.wait(PAUSE_SECONDS)
        return answer(request)

    voucher_cloud.answer = slow
    running = settler()
    assert reading.wait(PAUSE_SECONDS)
    printed, code = running.end(number, then=may_answer.set)
    assert "found 1" in printed[0]
    assert (printed[1:], code) == (["ended in good order"], 0)


def test_a_pause_ends_at_once(settler):
    running = settler()
    first = running.process.stdout.readline()
    printed, code = running.end(signal.SIGTERM)
    assert "found 1" in first
    assert (printed, code) == (["ended in good order"], 0)


# While the database is away


def line_of(stream, words):
    """Wait for a line of the process with these words; it has ended where there is none."""
    return next(line for line in stream if words in line)


def test_a_run_that_is_repeated_outlives_a_restart_of_the_database(settler):
    if programs() is None:
        pytest.skip(MISSING)
    with postgres_cluster() as cluster:
        running = settler(every="0.2", database_url=cluster.url)
        assert "found 1" in running.process.stdout.readline()
        cluster.stop()
        try:
            assert "Nothing is lost" in line_of(running.process.stderr, "database cannot be used")
        finally:
            cluster.start()
        running.process.stdout.readline()  # may be of a run before the restart
        assert "found 0" in line_of(running.process.stdout, "sent 0")
        running.process.send_signal(signal.SIGTERM)
        printed, _ = running.process.communicate(timeout=PAUSE_SECONDS / 2)
    assert (printed.splitlines()[-1], running.process.returncode) == ("ended in good order", 0)


@pytest.fixture
def locked(shop, monkeypatch):
    """A function that locks the SQLite file for writers until it is called again; a wait for it is short."""
    if connection.vendor != "sqlite":
        pytest.skip("a locked file is a matter of SQLite")
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    connection.close()
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield lambda: other.execute("ROLLBACK")
    other.close()


@pytest.fixture
def expired(shop):
    """A reservation that has expired: there is something to write."""
    shop.voucher("20.00")
    gateway.authorize(shop.order("20.00"), "GIFT-2000-ABCD")
    shop.later(hours=1)


def test_a_run_that_is_repeated_outlives_a_locked_database(expired, locked, monkeypatch, caplog):
    pauses = iter((lambda: None, locked, lambda: True))
    printed, errors = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Event, "wait", lambda *_: next(pauses)() is True)
        call_command("voucher_settle", "--every", "60", stdout=printed, stderr=errors)
    assert errors.getvalue().count("The database cannot be used just now (OperationalError)") == 2
    assert "lapsed 1" in printed.getvalue()
    told = [record for record in caplog.records if "database cannot be used" in record.getMessage()]
    assert [record.levelname for record in told] == ["ERROR"]


def test_one_run_says_that_the_database_is_locked_and_fails(expired, locked):
    with pytest.raises(CommandError, match=r"The database cannot be used just now \(OperationalError\)"):
        settle()
