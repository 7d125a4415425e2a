"""A PIN becomes credentials, once, and nobody else reads them."""

import os
import re
import shlex
import stat

import pytest
from django.core.management import CommandError, call_command

from voucher_payment_gateway import gateway
from voucher_payment_gateway.api import PRODUCTION, SANDBOX
from voucher_payment_gateway.management import connect
from voucher_payment_gateway.management.connect import ConnectError, address_of

pytestmark = pytest.mark.usefixtures("gateway_settings")


@pytest.fixture
def client(voucher_cloud):
    return voucher_cloud.add_client(name="Till")


@pytest.fixture
def pin(voucher_cloud, client):
    return voucher_cloud.issue_pin(client.id)


@pytest.fixture
def loose_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def pin_is_unused(voucher_cloud, pin):
    return voucher_cloud.store.state.pins[pin].used_at is None


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_settings_to_store_are_printed_and_work(pin, client, gateway_settings, capsys, shop):
    call_command("voucher_connect", pin)
    printed = capsys.readouterr().out
    values = dict(re.findall(r'^    "(\w+)": "(.*)",$', printed, re.MULTILINE))
    assert values == {"ENVIRONMENT": "local", "CLIENT_ID": client.id, "CLIENT_SECRET": client.secret}
    assert "Do not commit it" in printed
    gateway_settings(**values)
    voucher = shop.voucher("20.00")
    assert gateway.authorize(shop.order("20.00"), voucher.code).status == "authorized"


@pytest.mark.usefixtures("loose_umask")
def test_a_file_is_written_for_its_owner_alone(pin, client, tmp_path, capsys):
    target = tmp_path / "voucher.env"
    call_command("voucher_connect", pin, env_file=target)
    assert mode(target) == 0o600
    assert target.read_text() == (
        "VOUCHER_CLOUD_ENVIRONMENT=local\n"
        f"VOUCHER_CLOUD_CLIENT_ID={client.id}\n"
        f"VOUCHER_CLOUD_CLIENT_SECRET={client.secret}\n"
    )
    assert client.secret not in capsys.readouterr().out


@pytest.mark.usefixtures("loose_umask")
@pytest.mark.parametrize("force", [False, True])
def test_the_file_stands_ready_with_its_mode_before_the_pin_is_spent(pin, tmp_path, monkeypatch, force):
    target, modes = tmp_path / "voucher.env", []
    if force:
        target.write_text("OLD=1\n")
        target.chmod(0o644)

    def look(*_):
        modes.extend(mode(path) for path in tmp_path.iterdir() if path.stat().st_size == 0)
        raise ConnectError("stop")

    monkeypatch.setattr("voucher_payment_gateway.management.commands.voucher_connect.exchange", look)
    with pytest.raises(CommandError, match="stop"):
        call_command("voucher_connect", pin, env_file=target, force=force)
    assert modes == [0o600]
    assert [path.read_text() for path in tmp_path.iterdir()] == (["OLD=1\n"] if force else [])


def test_an_existing_file_is_refused_and_the_pin_stays_good(voucher_cloud, pin, tmp_path):
    target = tmp_path / "voucher.env"
    target.write_text("OLD=1\n")
    with pytest.raises(CommandError, match="exists already"):
        call_command("voucher_connect", pin, env_file=target)
    assert pin_is_unused(voucher_cloud, pin)
    assert target.read_text() == "OLD=1\n"


def test_force_replaces_a_file_whole_and_makes_it_private(pin, client, tmp_path):
    target = tmp_path / "voucher.env"
    target.write_text("OLD=1\n" * 100)
    target.chmod(0o644)
    call_command("voucher_connect", pin, env_file=target, force=True)
    assert client.secret in target.read_text()
    assert "OLD" not in target.read_text()
    assert mode(target) == 0o600
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["nowhere/voucher.env", "."])
def test_a_path_that_cannot_be_written_is_told_before_the_pin_is_spent(
    voucher_cloud, pin, tmp_path, name, force
):
    with pytest.raises(CommandError, match=r"The PIN was not used|exists already"):
        call_command("voucher_connect", pin, env_file=tmp_path / name, force=force)
    assert pin_is_unused(voucher_cloud, pin)


@pytest.mark.parametrize("force", [False, True])
def test_credentials_that_cannot_be_written_are_printed_and_not_lost(
    pin, client, tmp_path, monkeypatch, capsys, force
):
    target = tmp_path / "voucher.env"
    if force:
        target.write_text("OLD=1\n")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(connect.os, "fsync", full)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("voucher_connect", pin, env_file=target, force=force)
    assert client.secret in capsys.readouterr().out
    assert [path.read_text() for path in tmp_path.iterdir()] == (["OLD=1\n"] if force else [])


def test_a_file_that_is_written_in_part_counts_as_not_written(pin, client, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(connect.os, "write", lambda descriptor, content: len(content) - 1)
    with pytest.raises(CommandError, match="stand above"):
        call_command("voucher_connect", pin, env_file=tmp_path / "voucher.env")
    assert client.secret in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["wrong", "used", "expired"])
def test_a_pin_that_is_not_accepted_is_told_in_one_sentence(voucher_cloud, pin, capsys, way):
    if way == "used":
        call_command("voucher_connect", pin)
    elif way == "expired":
        voucher_cloud.clock.advance(30 * 60)
    with pytest.raises(CommandError, match="does not accept this PIN") as caught:
        call_command("voucher_connect", "X53HI0" if way == "wrong" else pin)
    assert caught.value.returncode == 1
    assert pin not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_whatever_the_status_of_a_refusal_it_is_the_pin(voucher_cloud, pin, status):
    voucher_cloud.faults.next(f"before:{status}", path="*/connect")
    with pytest.raises(CommandError, match="does not accept this PIN"):
        call_command("voucher_connect", pin)


def test_without_a_clear_answer_a_new_pin_is_asked_for(voucher_cloud, pin, tmp_path):
    voucher_cloud.faults.next("after:drop", path="*/connect")
    with pytest.raises(CommandError, match="take a new one"):
        call_command("voucher_connect", pin, env_file=tmp_path / "voucher.env")
    assert list(tmp_path.iterdir()) == []


def test_a_voucher_cloud_out_of_reach_leaves_the_pin_good(server, pin):
    server.stop()
    with pytest.raises(CommandError, match="cannot be reached just now"):
        call_command("voucher_connect", pin)


@pytest.mark.parametrize("pin", ["", "x" * 256])
def test_what_cannot_be_a_pin_is_not_sent(voucher_cloud, pin):
    with pytest.raises(CommandError, match="This is no PIN"):
        call_command("voucher_connect", pin)
    assert voucher_cloud.requests == []


def test_no_credentials_have_to_be_set_yet(settings, server, pin, client, capsys):
    settings.VOUCHER_PAYMENT_GATEWAY = {"ENVIRONMENT": "local", "BASE_URL": server.base_url}
    call_command("voucher_connect", pin)
    assert client.secret in capsys.readouterr().out


@pytest.mark.parametrize("raw", [None, {}, "local", {"CLIENT_ID": "shop"}])
def test_settings_that_name_no_environment_ask_for_the_option(settings, pin, raw):
    settings.VOUCHER_PAYMENT_GATEWAY = raw
    with pytest.raises(CommandError, match="--environment"):
        call_command("voucher_connect", pin)


@pytest.mark.parametrize("raw", [None, {"ENVIRONMENT": "local", "BASE_URL": "http://127.0.0.1:1/v1"}])
@pytest.mark.parametrize(("environment", "address"), [("production", PRODUCTION), ("sandbox", SANDBOX)])
def test_the_option_goes_before_the_settings(settings, raw, environment, address):
    settings.VOUCHER_PAYMENT_GATEWAY = raw
    assert address_of(environment).base_url == address


def test_the_base_url_of_the_same_environment_stays(settings):
    settings.VOUCHER_PAYMENT_GATEWAY = {"ENVIRONMENT": "sandbox", "BASE_URL": "https://cloud.example/v1"}
    assert address_of("sandbox").base_url == "https://cloud.example/v1"


def test_a_wrong_address_is_told_before_the_pin_is_sent(settings, pin):
    settings.VOUCHER_PAYMENT_GATEWAY = {"ENVIRONMENT": "sandbox", "BASE_URL": "http://cloud.example/v1"}
    with pytest.raises(CommandError, match="BASE_URL: must start with https"):
        call_command("voucher_connect", pin)


def test_values_with_special_characters_stay_one_value(voucher_cloud, client, pin, tmp_path):
    voucher_cloud.store.state.clients[client.id].secret = "a b'c\"d$e#f"
    call_command("voucher_connect", pin, env_file=tmp_path / "voucher.env")
    line = (tmp_path / "voucher.env").read_text().splitlines()[2]
    assert shlex.split(line) == ["VOUCHER_CLOUD_CLIENT_SECRET=a b'c\"d$e#f"]
