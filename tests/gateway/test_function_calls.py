"""How much code a capture and an authorization run through: calls of Python functions, of Django and httpx too.

They do not depend on the machine.
"""

import sys

import pytest
from django.db import connection

import voucher_payment_gateway
from tests.checkout.test_block_budget import of_telemetry
from voucher_payment_gateway import gateway

API = f"{next(iter(voucher_payment_gateway.__path__))}/api/"

LIMITS = {
    "sqlite": {"capture": (1700, 1140), "authorize": (1710, 1170)},
    "postgresql": {"capture": (1960, 1400), "authorize": (2050, 1510)},
}
"""All calls, and those that are not made by the client of the Voucher Cloud. psycopg is written in Python, the driver
of SQLite is not."""


def fewest(counted):
    return [min(figures) for figures in zip(*counted, strict=True)]


def calls(act):
    """Return the calls of this thread in ``act``, those of telemetry's exporters left out: all of them, and those that
    are not made by the client of the Voucher Cloud."""
    everything = beside_the_client = 0

    def count(frame, event, argument):
        nonlocal everything, beside_the_client
        if event == "call" and not of_telemetry(frame):
            everything += 1
            beside_the_client += not _is_of_client(frame)

    earlier = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(earlier)
    return everything, beside_the_client


def _is_of_client(frame):
    while frame is not None:
        if frame.f_code.co_filename.startswith(API):
            return True
        frame = frame.f_back
    return False


@pytest.fixture
def order(shop):
    """Makes orders, each with a voucher of its own."""

    def make(number):
        shop.voucher("20.00", code=f"GIFT-{number}")
        return shop.order("20.00", number=f"A-{number}")

    return make


def authorized(order, number):
    made = order(number)
    gateway.authorize(made, f"GIFT-{number}")
    return made


def test_a_capture_runs_through_little_code(order):
    orders = [authorized(order, number) for number in range(4)]
    gateway.capture(orders[0])  # connects, and composes its statements
    counted = [calls(lambda each=each: gateway.capture(each)) for each in orders[1:]]
    everything, beside_the_client = fewest(counted)
    assert everything <= LIMITS[connection.vendor]["capture"][0]
    assert beside_the_client <= LIMITS[connection.vendor]["capture"][1]


def test_an_authorization_runs_through_little_code(order):
    authorized(order, 0)
    counted = []
    for number in range(1, 4):
        made = order(number)
        counted.append(calls(lambda made=made, number=number: gateway.authorize(made, f"GIFT-{number}")))
    everything, beside_the_client = fewest(counted)
    assert everything <= LIMITS[connection.vendor]["authorize"][0]
    assert beside_the_client <= LIMITS[connection.vendor]["authorize"][1]
