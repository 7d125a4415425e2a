"""A visitor of the test shop with an order in checkout."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client


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
