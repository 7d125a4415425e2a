"""What operators read: each account is checked and told by its name, in commands, checks and admin."""

import io
import json
import re

import pytest
from django.core.cache import cache
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from tests.accounts.conftest import CODE, calls, credentials
from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.management.doctor import examine
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import SCOPES

GATEWAY_CHECKS = "voucher_payment_gateway."


def run(*words, **options):
    """Run a command, and return what it printed."""
    out = io.StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def found(market):
    return lambda: {finding.check: (finding.state, finding.text) for finding in examine()}


# the doctor


def test_the_doctor_examines_each_account_under_its_name(found, market):
    reports = found()
    for account in ("north", "south"):
        assert reports[f"account {account}: credentials"] == ("ok", "an access token was granted")
        assert reports[f"account {account}: right use"][0] == "ok"
    assert "credentials" not in reports


def test_an_account_with_trouble_does_not_hide_the_other(found, market, clouds):
    poor = market.north.add_client([scope for scope in SCOPES if scope != "use"])
    accounts = {name: credentials(cloud) for name, cloud in clouds.items()}
    accounts["north"] |= {"CLIENT_ID": poor.id, "CLIENT_SECRET": poor.secret}
    market.change(ACCOUNTS=accounts)
    reports = found()
    assert reports["account north: right use"][0] == "trouble"
    assert reports["account south: right use"][0] == "ok"
    accounts["north"]["CLIENT_SECRET"] = "wrong"
    market.change(ACCOUNTS=accounts)
    reports = found()
    assert reports["account north: credentials"][0] == "trouble"
    assert reports["account south: credentials"][0] == "ok"


def test_the_default_account_is_told_as_that(found, market):
    client = market.north.add_client()
    market.change(CLIENT_ID=client.id, CLIENT_SECRET=client.secret, BASE_URL=market.north.base_url)
    assert found()["default account: credentials"][0] == "ok"


def test_the_doctor_and_the_check_tell_what_is_left_of_an_account_that_is_gone(found, market):
    market.vouchers()
    for number in ("S-1", "S-2", "N-1"):
        market.held(number, "5.00")
    gateway.cancel(market.held("S-3", "5.00"))
    assert not warnings()
    market.without("south")
    state, text = found()["account south"]
    assert (state, text.startswith("2 payments of it are not done")) == ("trouble", True)
    assert warnings() == [
        "VOUCHER_PAYMENT_GATEWAY: ACCOUNTS: 'south' has no credentials, but 2 payments of it are not done."
    ]
    market.change(ACCOUNTS=..., ACCOUNT_OF_ORDER=..., **credentials(market.north))
    assert len(warnings()) == 2


def test_what_is_done_needs_no_credentials(found, market):
    market.vouchers()
    gateway.cancel(market.held("S-1"))
    market.without("south")
    assert "account south" not in found()
    assert not warnings()


def warnings():
    found = run_checks(databases=["default"])
    return [message.msg for message in found if message.id == f"{GATEWAY_CHECKS}W051"]


# commands


def test_reconcile_names_the_account_of_a_voucher_and_of_a_failure(market):
    market.vouchers("60.00", "60.00", id="same-id")
    for number in ("N-1", "S-1"):
        gateway.capture(market.held(number, "20.00"))
    with market.south.connect() as till:
        till.charge(till.reserve(code=CODE, amount=5, currency="EUR").id, "TILL-1")
    market.later(minutes=10)
    out = io.StringIO()
    period = {"since": "2020-01-01", "until": "2100-01-01"}
    options = [f"--{name}={value}" for name, value in period.items()]
    with pytest.raises(CommandError, match="1 difference"):
        call_command("voucher_reconcile", *options, stdout=out)
    assert "voucher same-id of account south (…ABCD)" in out.getvalue()
    assert run("voucher_reconcile", *options, "--account", "north") == "No differences.\n"
    connection.close()
    cache.clear()  # no token is left
    market.north.faults.next("before:401", path="/oauth/token", times=None)
    out = io.StringIO()
    with pytest.raises(CommandError, match="Not everything of account 'north' was compared") as caught:
        call_command("voucher_reconcile", *options, stdout=out)
    assert caught.value.returncode == 2
    assert "voucher same-id of account south (…ABCD)" in out.getvalue()


def test_review_names_the_account(market):
    market.vouchers()
    gateway.capture(market.held("S-1"))
    VoucherOperation.objects.filter(kind="charge").update(state="manual", error_code="ambiguous_bookings")
    assert "of account south" in run("voucher_review")


def test_the_probe_uses_the_credentials_of_the_account(market):
    with pytest.raises(CommandError, match="no default account, only 'north', 'south'"):
        call_command("voucher_probe")
    with pytest.raises(CommandError, match="'west' is not in ACCOUNTS"):
        call_command("voucher_probe", "--account", "west")
    assert (calls(market.north), calls(market.south)) == ([], [])


def test_the_walkthrough_is_walked_with_the_account(market):
    assert "Every figure is right." in run(
        "voucher_walkthrough", "--account", "south", "--pin", market.south.issue_pin(market.south.client_id)
    )
    assert calls(market.north) == []
    assert {payment.account for payment in VoucherPayment.objects.all()} == {"south"}


def test_connect_prints_the_lines_of_an_account(market):
    printed = run("voucher_connect", market.south.issue_pin(market.south.client_id), "--account", "south")
    line = re.search(r'^    ("south": .*),$', printed, re.MULTILINE)[1]
    account = json.loads("{" + line + "}")["south"]
    assert account["CLIENT_ID"] == market.south.client_id
    assert set(account) == {"ENVIRONMENT", "CLIENT_ID", "CLIENT_SECRET"}
    assert calls(market.north) == []


def test_connect_writes_variables_with_the_name_of_the_account(market, tmp_path):
    file = tmp_path / "env"
    call_command(
        "voucher_connect",
        market.south.issue_pin(market.south.client_id),
        "--account",
        "south",
        "--env-file",
        str(file),
    )
    assert [line.partition("=")[0] for line in file.read_text().splitlines()] == [
        "VOUCHER_CLOUD_SOUTH_ENVIRONMENT",
        "VOUCHER_CLOUD_SOUTH_CLIENT_ID",
        "VOUCHER_CLOUD_SOUTH_CLIENT_SECRET",
    ]


def test_a_name_that_is_none_uses_up_no_pin(market):
    with pytest.raises(CommandError, match=r"--account: the name.*The PIN was not used"):
        call_command("voucher_connect", "12345", "--account", "north & south")


def test_an_account_is_disconnected_alone(market):
    run("voucher_connect", "--disconnect", "--no-input", "--account", "south")
    connection.close()
    reports = {finding.check: finding.state for finding in examine()}
    assert reports["account south: credentials"] == "trouble"
    assert reports["account north: credentials"] == "ok"


def test_nothing_is_disconnected_without_a_name(market):
    with pytest.raises(CommandError, match="no default account"):
        call_command("voucher_connect", "--disconnect", "--no-input")
    assert (calls(market.north), calls(market.south)) == ([], [])


# admin


@pytest.fixture
def payments_page(market, admin_client):
    market.vouchers()
    market.held("N-1"), market.held("S-1")
    return lambda query="": admin_client.get(
        f"/admin/voucher_payment_gateway/voucherpayment/{query}"
    ).content.decode()


def test_the_admin_lists_and_filters_by_account(payments_page):
    assert 'class="field-account">south' in payments_page()
    page = payments_page("?account=south")
    assert ("S-1" in page, "N-1" in page) == (True, False)


def test_the_admin_shows_no_account_where_there_is_one(shop, admin_client):
    shop.voucher()
    payment = gateway.authorize(shop.order(), CODE)
    address = "/admin/voucher_payment_gateway/voucherpayment/"
    assert "field-account" not in admin_client.get(address).content.decode()
    assert "field-account" not in admin_client.get(f"{address}{payment.pk}/change/").content.decode()
    difference = VoucherDifference.objects.create(
        kind="not_compared", voucher_id="v", first_seen_at=payment.created_at, last_seen_at=payment.created_at
    )
    page = admin_client.get(
        f"/admin/voucher_payment_gateway/voucherdifference/{difference.pk}/change/"
    ).content.decode()
    assert ("field-account" in page, "field-kind" in page) == (False, True)
