"""Whether a booking could belong to an operation, its origin, and the difference reported."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from voucher_payment_gateway.rules.comparison import Finding, Ledgers, OurEntry, compare, could_be

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    id: str = "b1"
    type: str = "charge"
    amount: D = D("5.00")
    order_number: str | None = "A-1.x"
    client_id: str | None = "us"
    created_at: datetime | None = NOON


CHARGE = OurEntry(1, "charge", "unknown", D("5.00"), 7, "A-1.x")
REFUND = OurEntry(2, "refund", "unknown", D("5.00"), 7, "A-1.x", baseline=("before",))


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
    assert could_be(row, entry) is expected


DONE = replace(CHARGE, state="succeeded", remote_id="c1")
GIVEN = replace(REFUND, state="succeeded", remote_id="r1", amount=D("2.00"), reference="A-1.x")
BACK = Row("r9", "refund", D("2.00"), None)


@pytest.mark.parametrize(
    ("row", "entries", "expected"),
    [
        (Row("c9"), [DONE, GIVEN], DONE),
        (Row("c9", order_number=None), [DONE], None),
        (BACK, [DONE], DONE),
        (BACK, [replace(DONE, state="manual", remote_id="")], "the charge"),
        (BACK, [replace(DONE, state="refused", remote_id="")], None),
        (replace(BACK, amount=D("5.01")), [DONE], None),
        (replace(BACK, order_number="A-1.x", amount=D("5.01")), [DONE], DONE),
        (replace(BACK, order_number="B-1.x"), [DONE], None),
        (replace(BACK, amount=D("3.00")), [replace(GIVEN, amount=D("4.00"))], None),
        (BACK, [OurEntry(3, "recharge", "succeeded", D("5.00"), 8, "T-1.x", "t1")], None),
        (BACK, [DONE, OurEntry(4, "charge", "succeeded", D("5.00"), 9, "A-2.x", "c2")], None),
        (
            replace(BACK, order_number="A-1.x"),
            [DONE, OurEntry(4, "charge", "succeeded", D("5.00"), 9, "A-2.x", "c2")],
            DONE,
        ),
    ],
)
def test_where_a_booking_that_no_operation_has_comes_from(row, entries, expected):
    found = Ledgers(entries, [row], "us").origin(row)
    assert found == (entries[0] if expected == "the charge" else expected)


def test_a_number_of_a_refund_makes_no_booking_ours():
    by_others = Row("c9", order_number="A-1.x", client_id="till")
    assert Ledgers([GIVEN], [by_others], "us").judge(by_others) is None
    assert Ledgers([DONE], [by_others], "us").judge(by_others) == "theirs_only"


def test_a_booking_without_number_is_not_ours_by_a_missing_number():
    by_others = Row("c9", order_number=None, client_id="till")
    assert Ledgers([replace(DONE, reference="")], [by_others], "us").judge(by_others) is None
    assert Ledgers([replace(DONE, reference="XXXX")], [by_others], "us").judge(by_others) is None


def test_only_a_charge_of_ours_can_be_given_back_by_others():
    theirs = Row("c8", amount=D("9.00"), order_number="T-1", client_id="till")
    by_hand = Row("r9", "refund", D("2.00"), None, "clerk")
    assert Ledgers([GIVEN], [theirs, by_hand], "us").judge(by_hand) is None
    recharged = Row("t1", "recharge", D("9.00"), "T-1.x")
    assert Ledgers([], [recharged, by_hand], "us").judge(by_hand) is None


def test_refunds_of_several_charges_of_one_till_are_accounted_for_oldest_first():
    ours = Row("c1")
    theirs = [Row(f"c{n}", amount=D("3.00"), order_number=f"T-{n}", client_id="till") for n in (7, 8)]
    late = Row("r1", "refund", D("4.00"), None, "till", NOON + timedelta(hours=1))
    undated = Row("r2", "refund", D("4.00"), None, "till", None)
    books = Ledgers([DONE], [ours, *theirs, late, undated], "us")
    assert (books.judge(undated), books.judge(late)) == (None, "refund_by_hand")


def compared(entries, rows, read_at=NOON):
    return compare(entries, rows, client_id="us", certain_before=read_at)


def test_a_difference_carries_the_booking_that_it_is_about():
    other = Row("c1", amount=D("4.00"))
    surplus = Row("c9")
    assert compared([DONE], [other]).findings == [Finding("differs", "c1", DONE, other)]
    both = compared([DONE], [Row("c1"), surplus])
    assert both.findings == [Finding("theirs_only", "c9", DONE, surplus)]


def test_what_cannot_be_judged_yet_is_named():
    assert compared([CHARGE], [Row("c9")]).undecided == {"c9"}
    settled = replace(DONE, settled_at=NOON)
    assert compared([settled], []).undecided == {"c1"}
    assert compared([settled], [], NOON + timedelta(seconds=1)).undecided == set()
