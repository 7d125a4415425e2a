"""The probe runs on the vendor's sandbox host and on this machine; everything else is refused before any call."""

import socket

import pytest
from django.core.management import CommandError, call_command

from voucher_payment_gateway.api import PRODUCTION, SANDBOX
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.management.probe import Probe, SandboxOnlyError
from voucher_payment_gateway.management.sandbox_only import SANDBOX_HOST, require_sandbox

ALLOWED = [
    "",
    SANDBOX,
    "https://VOUCHERS-SBX.api.JTL-Software.com/v1",
    "https://vouchers-sbx.api.jtl-software.com:443/v1",
    "http://127.0.0.1:8900/v1",
    "https://127.0.0.1/v1",
    "http://127.9.9.9:1",
    "http://localhost:8900/v1",
    "http://LOCALHOST:8900/v1",
    "http://[::1]:8900/v1",
    "http://[0:0:0:0:0:0:0:1]:8900/v1",
]

REFUSED = [
    PRODUCTION,
    "https://VOUCHERS.API.JTL-SOFTWARE.COM/v1",
    "https://vouchers.api.jtl-software.com./v1",
    "https://vouchers.api.jtl-software.com:443/v1",
    "https://192.0.2.1/v1",
    "https://[2001:db8::1]/v1",
    "https://shop.example/v1",
    "https://cloud.shop.example/v1?host=vouchers-sbx.api.jtl-software.com",
    # the sandbox host by another name, or over plain HTTP
    "https://vouchers-sbx.api.jtl-software.com./v1",
    "http://vouchers-sbx.api.jtl-software.com/v1",
    "ftp://127.0.0.1/v1",
    # names that look like an allowed one
    "https://vouchers-sbx.api.jtl-software.com.shop.example/v1",
    "https://evil-vouchers-sbx.api.jtl-software.com/v1",
    "https://vouchers-sbx.api.jtl-software.co/v1",
    "https://vouchers-sbx-api.jtl-software.com/v1",
    "https://v\u043euchers-sbx.api.jtl-software.com/v1",
    "https://vouchers-\u017fbx.api.jtl-software.com/v1",
    "https://vouchers-sbx.api.jtl-software.com\u3002/v1",
    "http://localhost./v1",
    "http://localhost.shop.example/v1",
    "http://my.localhost/v1",
    "http://127.0.0.1.shop.example/v1",
    "http://127.0.0.1.:8900/v1",
    # what stands before an @ is no host
    "https://vouchers-sbx.api.jtl-software.com@vouchers.api.jtl-software.com/v1",
    "https://vouchers-sbx.api.jtl-software.com:443@vouchers.api.jtl-software.com/v1",
    "https://vouchers.api.jtl-software.com@vouchers-sbx.api.jtl-software.com/v1",
    "http://127.0.0.1@shop.example/v1",
    "http://127.0.0.1%40shop.example/v1",
    # what one reader takes for the host and another one does not
    "https://vouchers-sbx.api.jtl-software.com\\@shop.example/v1",
    "https://shop.example\\@vouchers-sbx.api.jtl-software.com/v1",
    "https://shop.example#@vouchers-sbx.api.jtl-software.com/v1",
    "https://shop.example?@vouchers-sbx.api.jtl-software.com/v1",
    "https:///vouchers-sbx.api.jtl-software.com/v1",
    "https:vouchers-sbx.api.jtl-software.com/v1",
    "//vouchers-sbx.api.jtl-software.com/v1",
    " https://vouchers-sbx.api.jtl-software.com/v1",
    "https://vouchers-sbx.api.jtl-software.com/v1\n",
    "https://vouchers-sbx.api.jtl-software.com\t.shop.example/v1",
    "https://vouchers-sbx.api.jtl-software.com:/v1\r\nHost: shop.example",
    # other ways to write an address
    "http://0.0.0.0:8900/v1",
    "http://[::]:8900/v1",
    "http://2130706433:8900/v1",
    "http://0x7f.0.0.1:8900/v1",
    "http://0177.0.0.1:8900/v1",
    "http://127.1:8900/v1",
    "http://[::ffff:127.0.0.1]:8900/v1",
    "http://[::ffff:192.0.2.1]:8900/v1",
    "http://[::127.0.0.1]:8900/v1",
    "http://[::1%25eth0]:8900/v1",
    "http://[fe80::1]:8900/v1",
    "http://[localhost]:8900/v1",
    "http://[127.0.0.1]:8900/v1",
    "https://vouchers-sbx.api.jtl-software.com/v1/\u017f",
    "http://::1:8900/v1",
]


@pytest.fixture(autouse=True)
def no_name_is_looked_up(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr(socket, "gethostbyname_ex", fail)


def settings_for(environment="sandbox", **addresses):
    """Return settings that hold these addresses whatever a validator says of them."""
    known = {"CLIENT_ID": "shop", "CLIENT_SECRET": "secret", "ORDER_MODEL": "shop.Order"}
    given = GatewaySettings.model_validate({**known, "ENVIRONMENT": environment})
    return given.model_copy(update=addresses)


@pytest.mark.parametrize("key", ["BASE_URL", "TOKEN_URL"])
@pytest.mark.parametrize("environment", ["sandbox", "local"])
@pytest.mark.parametrize("url", ALLOWED)
def test_the_sandbox_host_and_loopback_addresses_are_let_through(environment, key, url):
    require_sandbox(settings_for(environment, **{key: url}), "The probe")


@pytest.mark.parametrize("key", ["BASE_URL", "TOKEN_URL"])
@pytest.mark.parametrize("environment", ["sandbox", "local", "production"])
@pytest.mark.parametrize("url", REFUSED)
def test_every_other_address_is_refused_whatever_the_environment_is_called(environment, key, url):
    with pytest.raises(SandboxOnlyError) as caught:
        require_sandbox(settings_for(environment, **{key: url}), "The probe")
    assert url not in str(caught.value)


@pytest.mark.parametrize("addresses", [{}, {"BASE_URL": SANDBOX}, {"BASE_URL": "http://127.0.0.1:8900/v1"}])
def test_the_environment_production_is_refused_with_any_address(addresses):
    with pytest.raises(SandboxOnlyError, match='ENVIRONMENT is "production"'):
        require_sandbox(settings_for("production", **addresses), "The probe")


def test_the_sentence_names_the_key_and_what_is_allowed():
    with pytest.raises(SandboxOnlyError, match=f"only against {SANDBOX_HOST} or a loopback .* TOKEN_URL"):
        require_sandbox(
            settings_for(TOKEN_URL="https://vouchers.api.jtl-software.com/oauth/token"), "The probe"
        )


def test_no_way_leads_around_the_list():
    with pytest.raises(SandboxOnlyError):
        Probe(settings_for(BASE_URL=PRODUCTION))


@pytest.mark.parametrize(
    "changes",
    [
        {"ENVIRONMENT": "production"},
        {"BASE_URL": PRODUCTION},
        {"ENVIRONMENT": "sandbox", "BASE_URL": "https://sandbox.shop.example/v1"},
        {"TOKEN_URL": "https://vouchers.api.jtl-software.com/oauth/token"},
    ],
)
def test_the_command_refuses_before_any_call_and_leaves_its_file_alone(
    settings, gateway_settings, voucher_cloud, tmp_path, changes
):
    settings.DEBUG = True  # lets the address of the local Voucher Cloud stand
    gateway_settings(**changes)
    (tmp_path / "found.txt").write_text("older findings")
    with pytest.raises(CommandError, match="The probe moves money"):
        call_command("voucher_probe", output=tmp_path / "found.txt")
    assert voucher_cloud.requests == []
    assert (tmp_path / "found.txt").read_text() == "older findings"
