"""The kill matrix through the host's verbs: a process is killed at crash points of the gateway, and at each save of the
host's row. Then the shop settles, a clerk repeats what is not done, and every cent is where it belongs."""

from decimal import Decimal

import pytest

from tests.hosts.django_payments import victim
from tests.hosts.django_payments.models import Payment
from tests.hosts.django_payments.oracle import problems, settle_to_the_end
from tests.hosts.killed import Processes

ENDS = {
    "enter": ("confirmed", Decimal("20.00")),
    "capture_a_part": ("confirmed", Decimal("8.00")),
    "refund_a_part": ("confirmed", Decimal("17.00")),
    "release": ("refunded", Decimal("0.00")),
}
BOOKED = {
    "capture_a_part": [("charge", Decimal("8.00"))],
    "refund_a_part": [("charge", Decimal("20.00")), ("refund", Decimal("3.00"))],
    "release": [],
}
REPEATED_AT_ONCE = ("capture_a_part",)
"""A clerk repeats the verb before anything is settled, as after an error page."""
CHARGED = [("charge", Decimal("20.00"))]


@pytest.fixture(scope="session")
def processes():
    return Processes("tests.hosts.django_payments.victim")


class Matrix:
    def __init__(self, shop, base_url, processes):
        self.shop, self.base_url, self.processes = shop, base_url, processes

    def prepared(self, verb):
        """Return a row to which the verb can happen, and its voucher."""
        if verb == "enter":
            voucher = self.shop.voucher("20.00", code=f"GIFT-{2000 + len(self.shop.vouchers)}-ABCD")
            return self.shop.payment("20.00", variant="voucher-at-once"), voucher
        return (self.shop.captured if verb == "refund_a_part" else self.shop.preauthorized)("20.00")

    def run(self, verb, row, voucher, crash_at=""):
        """Run the verb in a process of its own; return the points that it passed, or None if it was killed."""
        arguments = (self.base_url, verb, row.pk, voucher.code, crash_at)
        return self.processes.run(victim.run, *arguments)

    def is_undone(self, verb, row):
        status, captured = self.shop.row(row)
        return {"enter": status == "waiting", "refund_a_part": captured == Decimal("20.00")}.get(
            verb, status == "preauth"
        )


@pytest.fixture
def matrix(shop, server, processes):
    return Matrix(shop, server.base_url, processes)


@pytest.mark.parametrize("verb", ENDS)
def test_a_killed_process_moves_every_cent_once(matrix, verb):
    row, voucher = matrix.prepared(verb)
    points = matrix.run(verb, row, voucher)
    assert {"Payment.1"} < set(points)
    assert matrix.shop.row(row) == ENDS[verb]
    cases = [(point, *killed(matrix, verb, point)) for point in chosen(points)]
    settle_to_the_end(matrix.shop.later)
    for _, row, voucher in cases:
        if matrix.is_undone(verb, row):
            matrix.run(verb, row, voucher)
    settle_to_the_end(matrix.shop.later)
    for point, row, voucher in cases:
        ended = matrix.shop.row(row), matrix.shop.bookings(voucher)
        assert (point, *ended) == (point, ENDS[verb], BOOKED.get(verb, CHARGED))
    totals = dict.fromkeys(Payment.objects.values_list("pk", flat=True), Decimal("20.00"))
    assert problems(matrix.shop.cloud, totals) == []


def chosen(points):
    """Every save of the host's row, and every second point of the gateway: its own matrix plays them all."""
    saves = [point for point in points if point.startswith("Payment")]
    return [*points[: -len(saves) : 2], *saves]


def killed(matrix, verb, point):
    """Kill a process at the point; return the row that it worked on, and its voucher."""
    row, voucher = matrix.prepared(verb)
    assert matrix.run(verb, row, voucher, point) is None, f"{verb} never came to {point}"
    if verb in REPEATED_AT_ONCE:
        matrix.run(verb, row, voucher)
    return row, voucher
