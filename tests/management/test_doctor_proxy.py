"""The doctor behind a forward proxy: it goes the way of the calls, and shows no password."""

import pytest

from tests.api.doubles import reply, serving
from tests.api.proxy_double import proxying
from tests.authority import new_authority
from voucher_payment_gateway import gateway
from voucher_payment_gateway.conf import gateway_settings as current_settings
from voucher_payment_gateway.management.doctor.network import address_finding

pytestmark = pytest.mark.usefixtures("development")


def test_it_goes_through_the_proxy_and_names_it(shop, gateway_settings, found):
    with proxying() as proxy:
        gateway_settings(PROXY_URL=proxy.url)
        state, text = found()["address"]
        assert (state, proxy.url in text) == ("ok", True)
        assert {method for method, _ in proxy.asked} >= {"HEAD", "POST"}


def test_a_tunnel_is_asked_for_a_voucher_cloud_with_tls(shop, gateway_settings, tmp_path):
    ca_file, context = new_authority(tmp_path)
    dated = reply({}, headers="Date: Sat, 31 Jan 2026 12:00:00 GMT\r\n")
    with (
        serving(lambda connection, _: connection.sendall(dated), context=context) as server,
        proxying(user="shop:canary") as proxy,
    ):
        url = proxy.url.replace("://", "://shop:canary@")
        gateway_settings(BASE_URL=server.base_url, CA_FILE=str(ca_file), PROXY_URL=url)
        finding, date = address_finding(current_settings())
        assert (finding.state, date) == ("ok", "Sat, 31 Jan 2026 12:00:00 GMT")
        assert [method for method, _ in proxy.asked] == ["CONNECT"]
        assert "canary" not in f"{finding!r} {current_settings()!r}"


def test_a_proxy_that_wants_another_user_is_told(shop, gateway_settings, tmp_path):
    with proxying(user="shop:secret") as proxy:
        url = proxy.url.replace("://", "://shop:canary@")
        gateway_settings(BASE_URL="https://127.0.0.1:1/v1", PROXY_URL=url)
        finding, _ = address_finding(current_settings())
    assert finding.state == "trouble"
    assert "the proxy answers 407" in finding.text
    assert "PROXY_URL" in finding.text
    assert "canary" not in finding.text


def test_a_proxy_that_is_not_there_is_told(shop, gateway_settings):
    with proxying() as proxy:
        pass
    gateway_settings(PROXY_URL=proxy.url)
    finding, _ = address_finding(current_settings())
    assert finding.state == "trouble"
    assert "refuses connections" in finding.text
    assert proxy.url in finding.text


def test_a_certificate_that_is_not_trusted_is_told_behind_a_proxy_too(shop, gateway_settings, tmp_path):
    _, context = new_authority(tmp_path)
    with serving(lambda *_: None, context=context) as server, proxying() as proxy:
        gateway_settings(BASE_URL=server.base_url, PROXY_URL=proxy.url)
        finding, _ = address_finding(current_settings())
    assert "a certificate that is not trusted" in finding.text


def test_a_shop_pays_through_the_proxy(shop, gateway_settings):
    voucher, order = shop.voucher("20.00"), shop.order("20.00")
    with proxying() as proxy:
        gateway_settings(PROXY_URL=proxy.url)
        gateway.authorize(order, voucher.code)
        gateway.capture(order)
        assert [path.rpartition("/")[2] for _, path in proxy.asked] == ["token", "reservations", "charge"]
    assert order.voucher_captured == 20
