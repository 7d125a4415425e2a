"""The kill matrix through Oscar's verbs: a process is killed at every fifth crash point of the gateway, and at the
first save of each of Oscar's records. Then the shop settles, whoever was at it repeats what is not done, and every cent
is where all records say."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from tests.hosts.killed import Processes
from tests.hosts.oscar import victim
from tests.hosts.oscar.customer import Checkout
from tests.hosts.oscar_books import differences
from tests.hosts.settled import settle_to_the_end

TOTAL = Decimal("20.00")
CHARGE = ("charge", TOTAL)
BOOKED = {"place": [CHARGE], "ship": [CHARGE], "refund": [CHARGE, ("refund", Decimal("5.00"))], "cancel": []}


@pytest.fixture(scope="session")
def processes():
    return Processes("tests.hosts.oscar.victim")


class Matrix:
    def __init__(self, shop, base_url, processes):
        self.shop, self.base_url, self.processes = shop, base_url, processes
        self.codes = (f"GIFT-{number}-ABCD" for number in range(2000, 3000))

    def prepared(self, verb):
        """Return an order to which the verb can happen, and its voucher. One that is to be placed became larger after
        the voucher was entered, so that it is held again."""
        order, code = Checkout(TOTAL / 2), next(self.codes)
        voucher = self.shop.voucher("20.00", code)
        order.enter(code)
        order.change_quantity(2)
        if verb != "place":
            order.place()
        if verb == "refund":
            order.desk.ship()
        return order, voucher

    def run(self, verb, order, crash_at=""):
        cookies = {name: cookie.value for name, cookie in order.visitor.client.cookies.items()}
        return self.processes.run(victim.run, self.base_url, verb, order.number, cookies, crash_at)

    def killed(self, verb, point):
        order, voucher = self.prepared(verb)
        assert self.run(verb, order, point) is None, f"{verb} never came to {point}"
        return order, voucher

    def repeat(self, verb, order):
        """Do what is not done yet, as the customer or the clerk sees it."""
        events = order.desk.row and order.desk.row.payment_events.filter(event_type__name="Refunded")
        is_done = {
            "ship": lambda: order.desk.row.shipping_events.exists(),
            "refund": lambda: events.exists(),
            "cancel": lambda: order.desk.row.status == "Cancelled",
        }
        if verb == "place":
            if order.desk.row is not None:
                order.desk.ship()
        elif not is_done[verb]():
            self.run(verb, order)


@pytest.fixture
def matrix(oscar_shop, server, processes):
    return Matrix(oscar_shop, server.base_url, processes)


@pytest.mark.parametrize("verb", BOOKED)
def test_a_killed_process_moves_every_cent_once(matrix, later, verb):
    order, _ = matrix.prepared(verb)
    points = chosen(matrix.run(verb, order))
    assert "K12" in points, f"{verb} moved nothing"
    cases = [(point, *matrix.killed(verb, point)) for point in points]
    settle_to_the_end(later)
    for _, order, _ in cases:
        matrix.repeat(verb, order)
    settle_to_the_end(later)
    call_command("voucher_oscar_sources", stdout=StringIO())
    for point, order, voucher in cases:
        expected = BOOKED[verb] if order.desk.row else []  # an order that was not placed is not paid
        assert (point, matrix.shop.bookings(voucher)) == (point, expected)
        assert matrix.shop.cloud.voucher(voucher.id).held == 0, point
    assert differences(matrix.shop.cloud) == []


def chosen(points):
    """The first save of each record, and every fifth point of the gateway, of whose own matrix all are part. The last
    one, after which nobody is told that money has moved, is always among them."""
    records = [point for point in points if point.endswith(".1")]
    return [*[point for point in points if "." not in point][::-5], *records]
