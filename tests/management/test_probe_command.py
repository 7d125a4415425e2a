"""The command: what it prints and writes, and when it fails."""

import pytest
from django.core.management import CommandError, call_command

from tests.management.bench import pasted, truth
from voucher_payment_gateway import conf
from voucher_payment_gateway.sandbox import DOCUMENTED


def test_the_command_runs_over_http_and_writes_what_it_prints(
    gateway_settings, voucher_cloud, tmp_path, capsys
):
    voucher_cloud.behaviour = DOCUMENTED.but(second_charge="same", create_id_field="both", post_status=201)
    call_command("voucher_probe", output=tmp_path / "found.txt")
    printed = capsys.readouterr().out
    assert (tmp_path / "found.txt").read_text() == printed
    values = pasted(printed[printed.index("API_BEHAVIOUR") : printed.index("ERROR_MEANINGS")])
    assert values["API_BEHAVIOUR"] == truth(voucher_cloud.behaviour)
    assert "local-shop-secret" not in printed


def test_the_command_looks_at_its_file_before_it_sends_anything(gateway_settings, voucher_cloud, tmp_path):
    with pytest.raises(CommandError, match="nowhere"):
        call_command("voucher_probe", output=tmp_path / "nowhere" / "found.txt")
    assert voucher_cloud.requests == []


def test_the_command_fails_where_something_stays(gateway_settings, voucher_cloud, capsys):
    voucher_cloud.faults.next("after:drop", method="POST", path="*/vouchers")
    voucher_cloud.faults.next("before:403", method="GET", path="*/vouchers", times=None)
    with pytest.raises(CommandError, match="Not everything could be taken back"):
        call_command("voucher_probe")
    assert "perhaps an inactive voucher" in capsys.readouterr().out


def test_a_run_that_is_stopped_tells_what_stays(
    gateway_settings, voucher_cloud, monkeypatch, tmp_path, capsys
):
    def stop(session):
        session.left_behind.append("a voucher")
        raise KeyboardInterrupt

    monkeypatch.setattr("voucher_payment_gateway.management.probe.refusals", stop)
    monkeypatch.setattr("voucher_payment_gateway.management.probe.EXPERIMENTS", {})
    monkeypatch.setattr("voucher_payment_gateway.management.probe.OTHER_EXPERIMENTS", {})
    with pytest.raises(KeyboardInterrupt):
        call_command("voucher_probe", output=tmp_path / "found.txt")
    assert "Not taken back: a voucher." in capsys.readouterr().out
    assert "Not taken back: a voucher." in (tmp_path / "found.txt").read_text()


def test_what_is_printed_can_be_put_into_the_settings_as_it_says(
    gateway_settings, settings, voucher_cloud, capsys
):
    call_command("voucher_probe")
    printed = capsys.readouterr().out
    names = pasted(printed[printed.index("API_BEHAVIOUR") : printed.index("\nPut both above")])
    (hint,) = [line for line in printed.splitlines() if line.startswith("Put both above")]
    gateway_settings(**eval("{" + hint.partition("in it: ")[2] + "}", names))
    assert conf.gateway_settings().API_BEHAVIOUR.second_charge == "refuse"


def test_a_cloud_out_of_reach_is_told_with_who_knows_more(gateway_settings, server, capsys):
    server.stop()
    with pytest.raises(CommandError, match=r"cannot be reached .* voucher_doctor says what is wrong"):
        call_command("voucher_probe")
    assert "stay" not in capsys.readouterr().out
