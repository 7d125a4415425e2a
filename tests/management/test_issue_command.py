"""``voucher_issue``: a file of vouchers is issued once, however often the command is killed and run again."""

import csv
import io
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from time import monotonic

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.translation import override

from voucher_payment_gateway import gateway
from voucher_payment_gateway.management.bulk.out_file import CodeFile
from voucher_payment_gateway.models import VoucherSale

HEADER = "key,amount,currency,recipient_email,message,validity_value,validity_interval"


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


class Files:
    def __init__(self, folder):
        self.given, self.codes = folder / "in.csv", folder / "out.csv"

    def ask_for(self, *lines, header=HEADER):
        self.given.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")

    def run(self, *options):
        printed = io.StringIO()
        named = ["--csv", str(self.given), "--out", str(self.codes), "--batch", "spring"]
        call_command("voucher_issue", *named, *options, stdout=printed)
        return printed.getvalue()

    def written(self):
        return list(csv.DictReader(io.StringIO(self.codes.read_text(encoding="utf-8"))))


def issued(cloud):
    return [voucher for voucher in cloud.store.state.vouchers.values() if voucher.id.startswith("vpg-")]


def test_each_line_becomes_an_active_voucher_and_its_code_is_in_the_file_alone(shop, files):
    files.ask_for("a,50.00,EUR,,,,", "b,20,,,,2,years")
    assert "2 of 2" in files.run()
    first, second = files.written()
    assert [first["key"], first["amount"], first["status"]] == ["a", "50.00", "active"]
    assert [second["amount"], second["currency"]] == ["20.00", "EUR"]
    remote = {voucher.id: voucher for voucher in issued(shop.cloud)}
    assert first["code"] == remote[first["voucher_id"]].code
    assert stat.S_IMODE(files.codes.stat().st_mode) == 0o600
    assert not VoucherSale.objects.exclude(sealed_code="").exists()


def test_a_second_run_issues_nothing(shop, files):
    files.ask_for("a,50.00,EUR,,,,")
    files.run()
    shop.calls()
    files.run()
    assert shop.calls() == []
    assert len(files.written()) == 1


def test_inactive_vouchers_are_activated_by_a_later_run(shop, files):
    files.ask_for("a,50.00,EUR,,,,")
    files.run("--inactive")
    assert [voucher.status for voucher in issued(shop.cloud)] == ["inactive"]
    files.run()
    assert [voucher.status for voucher in issued(shop.cloud)] == ["active"]


def test_inactive_vouchers_wait_for_no_payment_of_an_order(shop, files):
    """Cards that are printed now are sold in a year."""
    files.ask_for("a,50.00,EUR,,,,")
    files.run("--inactive")
    shop.later(days=365)
    gateway.settle()
    (voucher,) = issued(shop.cloud)
    assert (voucher.status, voucher.deleted) == ("inactive", False)
    files.run()
    assert (voucher.status, files.written()[0]["code"]) == ("active", voucher.code)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["a,50.00,EUR,,,,", "b,fifty,EUR,,,,"], "line 3: amount: 'fifty' is no number"),
        (["a,0,EUR,,,,"], "line 2: amount of a sold voucher: must be from 0.01"),
        (["a,100000.00,EUR,,,,"], "line 2: amount"),
        (["a,1.001,EUR,,,,"], "line 2: amount"),
        (["a,50.00,KWD,,,,"], "line 2: currency: KWD"),
        (["a,50.00,EUR,nobody,,,"], "line 2: recipient_email: is not an e-mail address"),
        (["a,50.00,EUR,,,x,years"], "line 2:"),
        (["a,50.00,EUR,,,2,fortnights"], "line 2: validity_interval"),
        (["a,50.00,EUR,,,,", "a,20.00,EUR,,,,"], "line 3: key: 'a' stands in line 2 too"),
        (["a,50.00,EUR,,,,,,,"], "line 2: has more columns"),
        (["a,50.00,EUR,,\0,,"], "line"),
        (["a,50.00,EUR,,,,", 'b,50.00,EUR,,"Hello" you,,', "c,50.00,EUR,,,,"], "line 3: "),
        (["a,50.00,EUR,,,,", "b", "c,50.00,EUR,,,,"], "line 3: amount: '' is no number"),
        (["a,50.00,EUR,,,-1,years"], "line 2: validity_value: must be a whole number from 1"),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_issued(shop, files, lines, told):
    files.ask_for(*lines)
    shop.calls()
    with pytest.raises(CommandError) as error:
        files.run()
    assert told in str(error.value)
    assert (error.value.returncode, shop.calls(), files.codes.exists()) == (2, [], False)


@pytest.mark.parametrize("header", ["key,amout", "amount,amount", "key", ""])
def test_a_wrong_first_line_is_told(shop, files, header):
    files.ask_for("1,2", header=header)
    with pytest.raises(CommandError, match=r"line 1|cannot be read"):
        files.run()


def test_a_file_that_is_not_ours_is_left_alone(shop, files):
    files.ask_for("a,50.00,EUR,,,,")
    files.codes.write_text("my diary\n", encoding="utf-8")
    with pytest.raises(CommandError, match="not a file of codes"):
        files.run()
    assert files.codes.read_text(encoding="utf-8") == "my diary\n"
    assert issued(shop.cloud) == []


def test_a_second_run_at_the_same_time_leaves_the_file_alone(shop, files):
    """It would write the codes once more, or cut off the line of a code that the first run has erased."""
    files.ask_for("a,50.00,EUR,,,,")
    with CodeFile(files.codes):
        begun = files.codes.read_bytes()
        with pytest.raises(CommandError, match="another run: wait until it has ended") as error:
            files.run()
        assert (error.value.returncode, files.codes.read_bytes(), issued(shop.cloud)) == (2, begun, [])
    files.run()
    assert len(files.written()) == 1


def test_a_german_shop_reads_its_troubles_in_one_language(shop, files):
    files.ask_for("a,50.00,EUR,,,,")
    shop.cloud.faults.next("after:drop", method="POST", path="/v1/vouchers")
    for told in ("no clear answer", "a: it is ordered, and voucher_settle has not decided yet"):
        with override("de"), pytest.raises(CommandError, match=told):
            files.run()


def test_a_key_that_stands_for_another_amount_is_refused(shop, files):
    files.ask_for("a,50.00,EUR,,,,")
    files.run()
    files.ask_for("a,60.00,EUR,,,,")
    with pytest.raises(CommandError, match="key_reused"):
        files.run()
    assert len(issued(shop.cloud)) == 1


def test_a_torn_line_is_cut_off_and_written_again(shop, files):
    files.ask_for("a,50.00,EUR,,,,")
    files.run("--inactive")
    whole = files.codes.read_bytes()
    sale = VoucherSale.objects.get()
    files.codes.write_bytes(
        whole[:-5]
    )  # as a crash within the write leaves it: the code is still sealed then
    VoucherSale.objects.update(sealed_code=resealed(sale, shop.cloud), delivered_at=None)
    files.run()
    assert [row["code"] for row in files.written()] == [issued(shop.cloud)[0].code]


def resealed(sale, cloud):
    from voucher_payment_gateway.sealing import Secret, seal

    return seal(Secret(cloud.store.state.vouchers[sale.voucher_id].code))


def test_without_an_answer_the_voucher_is_issued_by_the_next_run(shop, files):
    files.ask_for("a,50.00,EUR,,,,", "b,20.00,EUR,,,,")
    shop.cloud.faults.next("after:drop", method="POST", path="/v1/vouchers")
    with suppress(CommandError):
        files.run()
    settle_until_decided(shop)
    files.run()
    assert {row["key"] for row in files.written()} == {"a", "b"}
    assert len(issued(shop.cloud)) == 2


RUN = """
import sys, django
from tests import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.VOUCHER_PAYMENT_GATEWAY["BASE_URL"] = sys.argv[2]
django.setup()
from django.core.management import call_command
call_command("voucher_issue", *sys.argv[3:])
"""


def test_a_run_that_is_killed_is_gone_on_with_and_issues_nothing_twice(shop, files, server):
    files.ask_for(*[f"v{n},10.00,EUR,,,," for n in range(60)])
    for lines in (5, 25):
        run = start(files, server)
        wait_for_lines(files.codes, lines, run)
        run.send_signal(signal.SIGKILL)
        run.wait()
    settle_until_decided(shop)
    assert start(files, server).wait() == 0
    written = files.written()
    remote = issued(shop.cloud)
    assert {row["key"] for row in written} == {f"v{n}" for n in range(60)}
    assert sorted(row["code"] for row in written) == sorted(voucher.code for voucher in remote)
    assert len(written) == len(remote) == 60


def settle_until_decided(shop):
    for _ in range(3):
        shop.later(minutes=20)
        gateway.settle()


def start(files, server):
    database = connection.settings_dict["NAME"]
    named = ["--csv", str(files.given), "--out", str(files.codes), "--batch", "spring"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", RUN, str(database), server.base_url, *named]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def wait_for_lines(path, count, run):
    latest = monotonic() + 60
    while monotonic() < latest and run.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
    pytest.fail("the command wrote no codes")
