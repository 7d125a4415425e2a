"""Whether a booking may be what an operation was sent for."""

from decimal import Decimal as D

import pytest

from tests.rules.test_evidence import Row
from voucher_payment_gateway.rules.books import Entry, may_be

CHARGE = Entry(1, "charge", "unknown", D("5.00"), reference="A-1.x")
REFUND = Entry(2, "refund", "unknown", D("5.00"), reference="A-1.x", baseline=("before",))


@pytest.mark.parametrize(
    ("row", "entry", "expected"),
    [
        (Row(), CHARGE, True),
        (Row(amount=D("4.00")), CHARGE, True),
        (Row(order_number="A-1.y"), CHARGE, False),
        (Row(type="refund"), CHARGE, False),
        (Row(), REFUND, False),
        (Row(type="refund"), REFUND, True),
        (Row(type="refund", order_number=None), REFUND, True),
        (Row(type="refund", order_number="A-2.x"), REFUND, False),
        (Row(type="refund", amount=D("4.99")), REFUND, False),
        (Row(type="refund", id="before"), REFUND, False),
    ],
)
def test_a_booking_may_be_ours_only_if_nothing_contradicts(row, entry, expected):
    assert may_be(row, entry) is expected
