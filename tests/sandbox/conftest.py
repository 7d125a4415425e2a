"""A local Voucher Cloud whose clock stands still, and httpx clients of it over real HTTP."""

import ssl
from datetime import UTC, datetime

import httpx
import pytest

from voucher_payment_gateway.sandbox import (
    LOCAL_CLIENT_ID,
    LOCAL_CLIENT_SECRET,
    Clock,
    LocalVoucherCloud,
    serve,
)

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LONG = 10**9
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Never used for TLS: it saves loading the system's certificates for each client."""


class Api(httpx.Client):
    """A client that holds a token, with the few calls that most tests need."""

    def reserve(self, code="GIFT-20", amount="5.00", currency="EUR", **fields):
        return self.post(
            "/reservations", json={"code": code, "amount": amount, "currency": currency, **fields}
        )

    def charge(self, reservation, order_number="ORDER-1"):
        return self.post(f"/reservations/{reservation}/charge", json={"order_number": order_number})

    def reserve_and_charge(self, code="GIFT-20", amount="5.00", order_number="ORDER-1"):
        reserved = self.reserve(code, amount)
        assert reserved.is_success, reserved.text
        charged = self.charge(reserved.json()["id"], order_number)
        assert charged.is_success, charged.text
        return charged.json()

    def refund(self, charge, amount="5.00", currency="EUR"):
        return self.post(f"/charges/{charge}/refund", json={"amount": amount, "currency": currency})

    def take_away(self, voucher):
        return self.request("DELETE", f"/vouchers/{voucher}", json={"comment": "printed twice"})

    def status(self, voucher, status, **fields):
        return self.patch(f"/vouchers/{voucher}/status", json={"status": status, **fields})

    def remaining(self, voucher):
        return self.get(f"/vouchers/{voucher}").json()["remaining_amount"]


def token_of(url, client_id=LOCAL_CLIENT_ID, secret=LOCAL_CLIENT_SECRET, **fields):
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, **fields}
    return httpx.post(f"{url}/oauth/token", data=form, verify=NO_TLS)


@pytest.fixture
def cloud():
    return LocalVoucherCloud(Clock(NOON))


@pytest.fixture
def server(cloud):
    with serve(cloud) as running:
        yield running


@pytest.fixture
def connect(cloud, server):
    """Return a function that creates a client of the API, by default the local shop's with all scopes."""
    opened = []

    def connected(client_id=LOCAL_CLIENT_ID, secret=LOCAL_CLIENT_SECRET):
        cloud.token_seconds = LONG
        token = token_of(server.url, client_id, secret).json()["access_token"]
        cloud.token_seconds = 3600
        opened.append(
            Api(base_url=server.base_url, headers={"Authorization": f"Bearer {token}"}, verify=NO_TLS)
        )
        return opened[-1]

    yield connected
    for client in opened:
        client.close()


@pytest.fixture
def api(connect, cloud):
    client = connect()
    cloud.forget_requests()
    return client


@pytest.fixture
def voucher(cloud):
    return cloud.add_voucher(code="GIFT-20", amount="20.00")
