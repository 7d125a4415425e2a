"""A visitor of the test shop with an order in checkout."""

import time
from types import SimpleNamespace

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from voucher_payment_gateway.checkout.block import recall_problem
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
    """Return what the next page says after a response: its messages, and at its field what is wrong with a code."""

    def sentences(response):
        request = response.wsgi_request
        problem = recall_problem(request)
        at_the_field = [problem.message] if problem and problem.field == "code" else []
        return [*map(str, get_messages(request)), *at_the_field]

    return sentences
