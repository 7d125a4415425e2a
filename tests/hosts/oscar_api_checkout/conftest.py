"""The headless shop, connected to the local Voucher Cloud over real HTTP.

Run with ``--ds tests.hosts.oscar_api_checkout.settings`` on Python 3.12 or newer; any other run leaves it out.
"""

import pytest
from django.db import connections

from tests import conftest


@pytest.fixture
def api_shop(transactional_db, gateway_settings, voucher_cloud):
    """The shop in autocommit mode, as it runs in production."""
    from tests.hosts.oscar_api_checkout.shop import Shop

    return Shop(voucher_cloud)


@pytest.fixture
def later(voucher_cloud):
    """Let time pass, in our rows and in the Voucher Cloud."""
    return conftest.Shop(voucher_cloud).later


@pytest.fixture
def atomic_requests(monkeypatch):
    """Wrap each request into one transaction."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


@pytest.fixture
def listening():
    """Connect receivers to signals for the time of the test: ``listening(signal, receiver)``."""
    connected = []

    def connect(signal, receiver):
        signal.connect(receiver)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)
