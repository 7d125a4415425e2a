"""The command: never against production, and what it prints and writes."""

import pytest
from django.core.management import CommandError, call_command

from tests.management.bench import pasted, truth
from voucher_payment_gateway.api import PRODUCTION, SANDBOX
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.management.probe import ProductionError, refuse_production
from voucher_payment_gateway.sandbox import DOCUMENTED

# never against production


def settings_for(**changes):
    known = {"CLIENT_ID": "shop", "CLIENT_SECRET": "secret", "ORDER_MODEL": "shop.Order"}
    return GatewaySettings.model_validate({**known, "ENVIRONMENT": "sandbox", **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"ENVIRONMENT": "production"},
        {"ENVIRONMENT": "production", "BASE_URL": SANDBOX},
        {"BASE_URL": PRODUCTION},
        {"BASE_URL": "https://VOUCHERS.api.jtl-software.com./v1"},
        {"TOKEN_URL": "https://vouchers.api.jtl-software.com/oauth/token"},
    ],
)
def test_production_is_refused_by_environment_and_by_host(changes):
    with pytest.raises(ProductionError):
        refuse_production(settings_for(**changes), lambda host: set())


def test_another_name_of_productions_host_is_refused():
    aliases = {"vouchers.shop.example": {"edge.example", "vouchers.api.jtl-software.com"}}
    with pytest.raises(ProductionError):
        refuse_production(
            settings_for(BASE_URL="https://vouchers.shop.example/v1"), lambda host: aliases.get(host, set())
        )


@pytest.mark.parametrize(
    "changes", [{}, {"BASE_URL": "https://sandbox.shop.example/v1"}, {"ENVIRONMENT": "local"}]
)
def test_the_sandbox_and_the_local_voucher_cloud_are_let_through(changes):
    refuse_production(settings_for(**changes), lambda host: {"edge.example"})


def test_the_other_names_of_a_host_are_asked_for(monkeypatch):
    answer = ("vouchers.api.jtl-software.com", ["vouchers.shop.example"], ["192.0.2.1"])
    monkeypatch.setattr("socket.gethostbyname_ex", lambda host: answer)
    with pytest.raises(ProductionError, match="BASE_URL leads to production"):
        refuse_production(settings_for(BASE_URL="https://vouchers.shop.example/v1"))


def test_a_host_that_nobody_knows_is_left_to_the_client(monkeypatch):
    def nobody(host):
        raise OSError

    monkeypatch.setattr("socket.gethostbyname_ex", nobody)
    refuse_production(settings_for())


# the command


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


def test_the_command_refuses_production_and_sends_nothing(settings, gateway_settings, voucher_cloud):
    settings.DEBUG = True  # lets the address of the local Voucher Cloud stand
    gateway_settings(ENVIRONMENT="production")
    with pytest.raises(CommandError, match="refuses to run"):
        call_command("voucher_probe")
    assert voucher_cloud.requests == []


def test_the_command_looks_at_its_file_before_it_sends_anything(gateway_settings, voucher_cloud, tmp_path):
    with pytest.raises(CommandError, match="nowhere"):
        call_command("voucher_probe", output=tmp_path / "nowhere" / "found.txt")
    assert voucher_cloud.requests == []


def test_the_command_fails_where_something_stays(gateway_settings, voucher_cloud, capsys):
    voucher_cloud.faults.next("after:drop", method="POST", path="*/vouchers")
    with pytest.raises(CommandError, match="Not everything could be taken back"):
        call_command("voucher_probe")
    assert "perhaps an inactive voucher" in capsys.readouterr().out
