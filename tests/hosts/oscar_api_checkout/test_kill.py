"""The kill matrix through the host's checkout: the request is killed at every third crash point of the gateway, at each
save of the order, and at the first one of Oscar's other records.

What the clerk does with an order later is that of Oscar's own kill matrix.
"""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from oscar.core.loading import get_model

from tests.hosts.killed import Processes
from tests.hosts.oscar_api_checkout import victim
from tests.hosts.oscar_api_checkout.shop import cash, voucher
from tests.hosts.oscar_books import differences
from tests.hosts.oscar_desk import Desk
from tests.hosts.settled import settle_to_the_end

TWENTY = Decimal("20.00")
PAYMENTS = {
    "a voucher alone": lambda code: {"v1": voucher(code)},
    "a voucher and cash": lambda code: {"v1": voucher(code, "20.00"), "cash": cash()},
}
PRICES = {"a voucher alone": "20.00", "a voucher and cash": "35.00"}


@pytest.fixture(scope="session")
def processes():
    return Processes("tests.hosts.oscar_api_checkout.victim")


@pytest.fixture
def checkout(api_shop, server, processes):
    """Post a new basket, killed at a point; return what was passed (None for a killed request), the voucher and the
    basket."""
    codes = (f"GIFT-{number}-ABCD" for number in range(2000, 3000))

    def post(means, crash_at=""):
        code, buyer = next(codes), api_shop.buyer(PRICES[means])
        held = api_shop.voucher("20.00", code)
        cookies = {name: cookie.value for name, cookie in buyer.client.cookies.items()}
        arguments = (server.base_url, buyer.basket, cookies, PAYMENTS[means](code))
        return processes.run(victim.run, *arguments, crash_at), held, buyer.basket

    return post


@pytest.mark.parametrize("means", PAYMENTS)
def test_a_killed_checkout_pays_an_order_or_takes_nothing(api_shop, checkout, later, means):
    passed, held, basket = checkout(means)
    points = chosen(passed)
    assert {"Order.1", "Source.1"} <= set(points)
    assert any("." not in point for point in points), "nothing was reserved"
    cases = [("not killed", held, basket)]
    for point in points:
        ended, held, basket = checkout(means, point)
        assert ended is None, f"it never came to {point}"
        cases.append((point, held, basket))
    settle_to_the_end(later)
    shipped = [point for point, _, basket in cases if clerk_ends(basket)]
    assert "not killed" in shipped
    settle_to_the_end(later)
    call_command("voucher_oscar_sources", stdout=StringIO())
    for point, held, _ in cases:
        expected = [("charge", TWENTY)] if point in shipped else []
        assert (point, api_shop.bookings(held)) == (point, expected)
        assert api_shop.cloud.voucher(held.id).held == 0, point
    assert differences(api_shop.cloud) == []


def clerk_ends(basket):
    """Ship an order that is authorized and cancel one that is not; return whether one was shipped."""
    order = get_model("order", "Order").objects.filter(basket_id=basket).first()
    if order is None:
        return False
    if order.status == "Authorized":
        Desk(order.number).ship()
        return True
    Desk(order.number).set_status("Canceled")
    return False


def chosen(points):
    """Saves of records, and every third point of the gateway, of whose own matrix all are part."""
    records = [point for point in points if point.startswith("Order.") or point.endswith(".1")]
    return [*[point for point in points if "." not in point][::-3], *records]
