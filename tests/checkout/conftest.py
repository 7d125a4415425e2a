"""A visitor of the test shop with an order in checkout."""

import time
from types import SimpleNamespace

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from voucher_payment_gateway.throttle import _counts

HOUR = 3600


@pytest.fixture(autouse=True)
def _begin_at_a_full_hour(monkeypatch):
    """Let attempts be counted from the beginning of a window on: no test runs from one window into the next."""
    began = time.time()
    clock = SimpleNamespace(time=lambda: began // HOUR * HOUR + time.time() - began)
    monkeypatch.setattr(_counts, "time", clock)


@pytest.fixture
def visit():
    """Return a client whose session belongs to a checkout of ``order``."""

    def arrive(order=None, **options):
        client = Client(**options)
        session = client.session
        session["order_number"] = order.number if order else ""
        session.save()
        client.cookies["sessionid"] = session.session_key
        return client

    return arrive


@pytest.fixture
def messages_of():
    """Return the messages of a response."""
    return lambda response: [str(message) for message in get_messages(response.wsgi_request)]
