"""The comparison of both sides' books of a voucher: a table of differences and non-differences."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from voucher_payment_gateway.rules.comparison import OurEntry, compare, is_left_open

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
US, TILL, CLERK = "us", "till", "clerk"


@dataclass(frozen=True)
class Row:
    id: str
    type: str = "charge"
    amount: D = D("5.00")
    order_number: str | None = "A-1-1.token"
    client_id: str | None = US
    created_at: datetime | None = NOON


CHARGE = OurEntry(1, "charge", "succeeded", D("5.00"), 7, "A-1-1.token", "c1", NOON)
REFUND = OurEntry(2, "refund", "succeeded", D("2.00"), 7, "A-1-1.token", "r1", NOON)
BOOKED = Row("c1")
BACK = Row("r1", "refund", D("2.00"))


def found(entries, rows, *, client_id=US, read_at=NOON + timedelta(hours=1)):
    certain_before = read_at - timedelta(seconds=60)
    result = compare(entries, rows, client_id=client_id, certain_before=certain_before)
    return [(each.kind, each.remote_id, each.entry and each.entry.id) for each in result.findings]


def change(entry, **fields):
    return type(entry)(**{**vars(entry), **fields})


@pytest.mark.parametrize(
    ("entries", "rows"),
    [
        ([CHARGE], [BOOKED]),
        ([CHARGE, REFUND], [BACK, BOOKED]),
        ([CHARGE, REFUND], [BOOKED, change(BACK, order_number=None)]),
        ([CHARGE, REFUND], [BOOKED, change(BACK, order_number="")]),
        ([change(CHARGE, state="refused", remote_id="")], []),
        ([change(CHARGE, state="manual", remote_id="")], []),
        ([change(REFUND, state="manual", remote_id=""), CHARGE], [BOOKED]),
        ([OurEntry(3, "reserve", "succeeded", D("5.00"), 7, "", "h1", NOON)], []),
    ],
    ids=str,
)
def test_books_that_agree_have_no_difference(entries, rows):
    assert found(entries, rows) == []


def test_what_is_not_in_their_list_is_ours_only():
    assert found([CHARGE, REFUND], [BOOKED]) == [("ours_only", "r1", 2)]
    assert found([CHARGE], []) == [("ours_only", "c1", 1)]


def test_what_their_list_may_not_show_yet_is_not_judged():
    assert found([CHARGE], [], read_at=NOON + timedelta(seconds=59)) == []
    assert found([CHARGE], [], read_at=NOON + timedelta(seconds=61)) == [("ours_only", "c1", 1)]


@pytest.mark.parametrize(
    "other",
    [
        {"amount": D("5.01")},
        {"type": "refund"},
        {"type": "recharge"},
        {"order_number": "A-1-1.token0"},
        {"order_number": "A-1"},
    ],
)
def test_the_same_booking_told_differently_differs(other):
    assert found([CHARGE], [change(BOOKED, **other)]) == [("differs", "c1", 1)]


def test_a_number_that_is_not_shown_contradicts_nothing():
    assert found([CHARGE], [change(BOOKED, order_number=None)]) == []


@pytest.mark.parametrize("state", ["succeeded", "refused", "not_applied", "manual"])
@pytest.mark.parametrize("client", [US, TILL, None])
def test_a_second_booking_with_our_number_is_theirs_only(state, client):
    known = "c1" if state == "succeeded" else ""
    entry = change(CHARGE, state=state, remote_id=known)
    rows = [BOOKED] * bool(known) + [Row("c2", client_id=client)]
    assert found([entry], rows) == [("theirs_only", "c2", 1)]


@pytest.mark.parametrize("kind", ["charge", "recharge", "refund"])
@pytest.mark.parametrize("number", ["B-9", "", None])
def test_a_booking_of_our_own_client_that_we_do_not_have_is_theirs_only(kind, number):
    rows = [BOOKED, Row("x", kind, D("5.00"), number)]
    assert [each[:2] for each in found([CHARGE], rows)] == [("theirs_only", "x")]


def test_our_client_is_also_known_by_the_charges_that_are_ours():
    rows = [change(BOOKED, client_id="id-7"), Row("x", order_number="B-9", client_id="id-7")]
    assert found([CHARGE], rows) == [("theirs_only", "x", None)]


def test_a_refund_that_was_taken_for_ours_makes_no_other_client_ours():
    adopted = change(BACK, client_id=CLERK)
    assert found([CHARGE, REFUND], [BOOKED, adopted, Row("x", order_number="B-9", client_id=CLERK)]) == []


@pytest.mark.parametrize(
    "theirs",
    [
        [Row("x", order_number="B-9", client_id=TILL)],
        [Row("x", order_number="A-1", client_id=TILL)],
        [Row("x", order_number="A-1-1.token0", client_id=TILL)],
        [Row("x", "recharge", D("50.00"), "B-9", TILL)],
        [Row("x", order_number="B-9", client_id=None)],
        [Row("x", order_number="B-9", client_id=TILL), Row("y", "refund", D("5.00"), "B-9", CLERK)],
        [Row("x", order_number="B-9", client_id=TILL), Row("y", "refund", D("5.00"), None, TILL)],
        [Row("x", "refund", D("5.01"), None, CLERK)],
    ],
    ids=str,
)
def test_what_is_plainly_of_others_is_no_difference(theirs):
    assert found([CHARGE], [BOOKED, *theirs]) == []


@pytest.mark.parametrize("client", [CLERK, None])
@pytest.mark.parametrize("number", ["A-1-1.token", None, ""])
def test_a_refund_of_our_charge_by_others_is_a_refund_by_hand(client, number):
    rows = [BOOKED, Row("x", "refund", D("5.00"), number, client)]
    assert found([CHARGE], rows) == [("refund_by_hand", "x", 1)]


def test_what_another_client_refunds_beyond_its_own_charges_may_be_of_ours():
    earlier, later = NOON, NOON + timedelta(hours=1)
    rows = [
        BOOKED,
        Row("t", order_number="B-9", client_id=TILL),
        Row("b", "refund", D("3.00"), None, TILL, earlier),
        Row("a", "refund", D("3.00"), None, TILL, later),
    ]
    assert found([CHARGE], rows) == [("refund_by_hand", "a", 1)]


@pytest.mark.parametrize("state", ["due", "sending", "unknown"])
def test_what_is_in_flight_is_not_judged(state):
    charge = change(CHARGE, state=state, remote_id="", settled_at=None)
    assert found([charge], [Row("c1")]) == []
    refund = change(REFUND, state=state, remote_id="", settled_at=None, baseline=["r0"])
    assert found([CHARGE, refund], [BOOKED, BACK]) == []
    assert found([CHARGE, refund], [BOOKED, change(BACK, order_number=None, client_id=CLERK)]) == []


def test_an_open_refund_hides_no_other_one():
    refund = change(REFUND, state="unknown", remote_id="", baseline=["r0"])
    old, dearer = change(BACK, id="r0"), change(BACK, id="r2", amount=D("2.01"))
    assert {each[1] for each in found([CHARGE, refund], [BOOKED, old, dearer])} == {"r0", "r2"}


def test_a_booking_names_the_operation_that_waits_for_a_person():
    waiting = change(REFUND, id=3, state="manual", remote_id="")
    rows = [BOOKED, BACK, change(BACK, id="r2")]
    assert found([CHARGE, REFUND, waiting], rows) == [("theirs_only", "r2", 3)]


def test_a_booking_that_fits_two_payments_names_none():
    other = change(CHARGE, id=3, payment_id=8, reference="A-2-1.token", remote_id="c2")
    rows = [BOOKED, Row("c2", order_number="A-2-1.token"), Row("x", "refund", D("5.00"), None, CLERK)]
    assert found([CHARGE, other], rows) == [("refund_by_hand", "x", None)]


@pytest.mark.parametrize(
    ("status", "minutes_dead", "was_used_up", "expected"),
    [
        ("authorized", 59, False, False),
        ("authorized", 60, False, True),
        ("authorized", None, False, False),
        ("lapsed", 600, False, False),
        ("captured", 600, True, False),
        ("cancelled", -20, False, True),
        ("cancelled", -20, True, False),
        ("cancelled", 0, False, False),
        ("failed", -1, False, True),
        ("refunded", -20, False, False),
    ],
)
def test_a_hold_is_left_open_where_nothing_needs_it(status, minutes_dead, was_used_up, expected):
    dead_at = None if minutes_dead is None else NOON - timedelta(minutes=minutes_dead)
    assert is_left_open(status, dead_at, was_used_up=was_used_up, now=NOON) is expected
