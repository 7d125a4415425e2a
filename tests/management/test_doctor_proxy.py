"""The doctor behind a forward proxy: it goes the way of the calls, and shows no password."""

import socket

import pytest

from tests.api.doubles import reply, serving
from tests.api.proxy_double import far, proxying
from tests.authority import new_authority
from voucher_payment_gateway import gateway
from voucher_payment_gateway.conf import gateway_settings as current_settings
from voucher_payment_gateway.management.doctor.network import address_finding

pytestmark = pytest.mark.usefixtures("development")


@pytest.fixture
def behind_proxy(gateway_settings, server, tmp_path):
    """The local Voucher Cloud, as if it were far away and had TLS: reached through the proxy alone."""
    ca_file, context = new_authority(tmp_path)
    with proxying(inside=context) as proxy:
        address = far(server.base_url).replace("http:", "https:")
        gateway_settings(BASE_URL=address, CA_FILE=str(ca_file), PROXY_URL=proxy.url)
        yield proxy


def test_it_goes_through_the_proxy_and_names_it(shop, behind_proxy, voucher_cloud, found):
    reports = found()
    state, text = reports["address"]
    assert (state, behind_proxy.url in text) == ("ok", True)
    assert {state for check, (state, _) in reports.items() if check.startswith("right")} == {"ok"}
    assert {each.method for each in voucher_cloud.requests} >= {"HEAD", "POST", "GET"}
    assert {method for method, _ in behind_proxy.asked} == {"CONNECT"}


def test_this_machine_is_asked_directly(shop, gateway_settings, found):
    with proxying() as proxy:
        gateway_settings(PROXY_URL=proxy.url)
        state, text = found()["address"]
        assert (state, proxy.url in text) == ("ok", False)
        assert proxy.asked == []


def test_a_tunnel_is_asked_for_a_voucher_cloud_with_tls(shop, gateway_settings, tmp_path):
    ca_file, context = new_authority(tmp_path)
    dated = reply({}, headers="Date: Sat, 31 Jan 2026 12:00:00 GMT\r\n")
    with (
        serving(lambda connection, _: connection.sendall(dated), context=context) as server,
        proxying(user="shop:canary") as proxy,
    ):
        url = proxy.url.replace("://", "://shop:canary@")
        gateway_settings(BASE_URL=far(server.base_url), CA_FILE=str(ca_file), PROXY_URL=url)
        finding, date = address_finding(current_settings())
        assert (finding.state, date) == ("ok", "Sat, 31 Jan 2026 12:00:00 GMT")
        assert [method for method, _ in proxy.asked] == ["CONNECT"]
        assert "canary" not in f"{finding!r} {current_settings()!r}"


def test_a_proxy_that_wants_another_user_is_told(shop, gateway_settings, tmp_path):
    with proxying(user="shop:secret") as proxy:
        url = proxy.url.replace("://", "://shop:canary@")
        gateway_settings(BASE_URL=far("https://127.0.0.1:1/v1"), PROXY_URL=url)
        finding, _ = address_finding(current_settings())
    assert finding.state == "trouble"
    assert "the proxy answers 407" in finding.text
    assert "PROXY_URL" in finding.text
    assert "canary" not in finding.text


def test_a_proxy_that_is_not_there_is_told(shop, gateway_settings):
    with proxying() as proxy:
        pass
    gateway_settings(BASE_URL=far("https://127.0.0.1:1/v1"), PROXY_URL=proxy.url)
    finding, _ = address_finding(current_settings())
    assert finding.state == "trouble"
    assert f"the proxy {proxy.url} refuses connections" in finding.text
    assert "PROXY_URL" in finding.text


def test_a_host_of_the_proxy_that_cannot_be_resolved_is_not_the_voucher_cloud_s(
    shop, gateway_settings, monkeypatch
):
    def fail(*_, **__):
        raise socket.gaierror

    gateway_settings(
        BASE_URL=far("https://127.0.0.1:1/v1"), PROXY_URL="http://shop:canary@proxy.example:3128"
    )
    monkeypatch.setattr("socket.getaddrinfo", fail)
    finding, _ = address_finding(current_settings())
    assert finding.state == "trouble"
    assert "the proxy http://proxy.example:3128 has a host name that cannot be resolved" in finding.text
    assert "PROXY_URL" in finding.text
    assert "is BASE_URL right" not in finding.text
    assert "canary" not in finding.text


def test_a_proxy_that_does_not_answer_is_told(shop, gateway_settings, monkeypatch):
    def fail(*_, **__):
        raise TimeoutError

    gateway_settings(BASE_URL=far("https://127.0.0.1:1/v1"), PROXY_URL="http://proxy.example:3128")
    monkeypatch.setattr("socket.create_connection", fail)
    finding, _ = address_finding(current_settings())
    assert "the proxy http://proxy.example:3128 does not answer in time" in finding.text
    assert "PROXY_URL" in finding.text


def test_a_voucher_cloud_that_keeps_silent_behind_the_proxy_is_no_fault_of_the_proxy(
    shop, gateway_settings, tmp_path
):
    ca_file, context = new_authority(tmp_path)
    keeps_silent = serving(lambda connection, _: connection.recv(1), context=context)
    with keeps_silent as server, proxying() as proxy:
        gateway_settings(
            BASE_URL=far(server.base_url), CA_FILE=str(ca_file), PROXY_URL=proxy.url, TIMEOUT_SECONDS=0.3
        )
        finding, _ = address_finding(current_settings())
    assert "does not answer in time" in finding.text
    assert "is PROXY_URL right" not in finding.text


def test_a_certificate_that_is_not_trusted_is_told_behind_a_proxy_too(shop, gateway_settings, tmp_path):
    _, context = new_authority(tmp_path)
    with serving(lambda *_: None, context=context) as server, proxying() as proxy:
        gateway_settings(BASE_URL=far(server.base_url), PROXY_URL=proxy.url)
        finding, _ = address_finding(current_settings())
    assert "a certificate that is not trusted" in finding.text


def test_a_shop_pays_through_the_proxy(shop, behind_proxy):
    voucher, order = shop.voucher("20.00"), shop.order("20.00")
    gateway.authorize(order, voucher.code)
    gateway.capture(order)
    assert {method for method, _ in behind_proxy.asked} == {"CONNECT"}
    assert [path.rpartition("/")[2] for _, path in shop.calls()] == ["reservations", "charge"]
    assert order.voucher_captured == 20
