"""Bookings of another database that remembers the same past: a charge of this order, a refund of its charge."""

from dataclasses import dataclass
from decimal import Decimal as D

import pytest

from voucher_payment_gateway.rules.evidence import charge_reference, charged_elsewhere, refunded_elsewhere

THEIRS = charge_reference("1001", 1, "0123456789")
OURS = charge_reference("1001", 1, "fedcba9876")


@dataclass(frozen=True)
class Row:
    id: str = "c9"
    type: str = "charge"
    amount: D = D("20.00")
    order_number: str | None = THEIRS
    client_id: str | None = "us"


def stopped_by(*rows, order_number="1001", ours=(), references=(), clients=()):
    return charged_elsewhere(
        rows, order_number=order_number, ours=ours, references=references, clients=clients
    )


@pytest.mark.parametrize(
    "number",
    [THEIRS, f" {THEIRS.upper()} ", "1001-2.0123456789", "1001-17.abcdef0123", "1001-1.0", "１００１-1.0123"],
)
def test_a_charge_with_the_order_s_number_and_an_unknown_token_stops(number):
    assert stopped_by(Row(order_number=number), references=[OURS]) == ("c9",)


@pytest.mark.parametrize(
    "number",
    [
        *("1001", "1001-1", "1001-1.", "1001-.0123456789", "1001-1.token", "1001-1.0123-1.0123"),
        *(charge_reference("1001-2", 1, "0123456789"), charge_reference("11001", 1, "0123456789")),
        *(charge_reference("100", 1, "0123456789"), charge_reference("1001-1.ab", 1, "0123456789"), None, ""),
    ],
)
def test_the_number_of_another_order_does_not_stop(number):
    assert stopped_by(Row(order_number=number)) == ()


def test_a_number_that_begins_with_another_one_is_an_order_of_its_own():
    row = Row(order_number=charge_reference("1001-2", 1, "0123456789"))
    assert stopped_by(row, order_number="1001-2") == ("c9",)


@pytest.mark.parametrize("kind", ["refund", "recharge"])
def test_only_charges_stop(kind):
    assert stopped_by(Row(type=kind)) == ()


def test_a_charge_that_went_back_stops_all_the_same():
    assert stopped_by(Row(), Row("r9", "refund")) == ("c9",)


def test_what_our_records_have_does_not_stop():
    assert stopped_by(Row(), ours=["c9"]) == ()
    assert stopped_by(Row(), references=[THEIRS]) == ()
    assert stopped_by(Row(order_number=THEIRS.upper()), references=[THEIRS]) == ()


def test_a_truncated_number_of_ours_does_not_stop_if_enough_of_it_is_left():
    reference = charge_reference("A-2026-1001", 1, "0123456789")
    assert (
        stopped_by(Row(order_number=reference[:-4]), order_number="A-2026-1001", references=[reference]) == ()
    )
    assert stopped_by(Row(order_number=OURS[:-4]), references=[OURS]) == ("c9",)


@pytest.mark.parametrize(
    ("client", "clients", "stops"),
    [
        ("us", ["us"], True),
        ("another shop", ["us"], False),
        ("another shop", [], True),
        (None, ["us"], True),
        ("", ["us"], True),
    ],
)
def test_another_client_s_charge_stops_unless_ours_are_known(client, clients, stops):
    assert bool(stopped_by(Row(client_id=client), clients=clients)) is stops


def test_all_such_charges_are_named():
    assert stopped_by(Row("a"), Row("b"), Row("c", order_number="1002-1.0123456789")) == ("a", "b")


CHARGE = Row("c1", order_number=OURS)
BACK = Row("r9", "refund", D("20.00"), OURS)


def exceeds(*rows, amount="20.00", ours=(), charge_id="c1"):
    return refunded_elsewhere(rows, charge_id=charge_id, reference=OURS, amount=D(amount), ours=lambda: ours)


def part(amount, id="r9", **fields):
    return Row(**{"id": id, "type": "refund", "amount": D(amount), "order_number": OURS, **fields})


@pytest.mark.parametrize(
    ("rows", "amount", "expected"),
    [
        ([CHARGE], "20.00", False),
        ([CHARGE, BACK], "20.00", True),
        ([CHARGE, BACK], "0.01", True),
        ([CHARGE, part("5.00")], "15.00", False),
        ([CHARGE, part("5.00")], "15.01", True),
        ([CHARGE, part("5.00"), part("5.00", "r8")], "10.01", True),
        ([CHARGE, part("20.00", order_number=None)], "20.00", True),
        ([CHARGE, part("20.00", order_number="")], "20.00", True),
        ([CHARGE, Row("c2"), part("20.00", order_number=None)], "20.00", False),
        ([CHARGE, part("20.00", order_number=THEIRS)], "20.00", False),
        ([CHARGE, part("20.00", client_id="clerk")], "20.00", True),
        ([BACK], "20.00", False),
    ],
)
def test_a_refund_stops_where_unknown_refunds_leave_too_little_of_the_charge(rows, amount, expected):
    assert exceeds(*rows, amount=amount) is expected


def test_refunds_of_ours_alone_are_left_to_the_voucher_cloud():
    assert exceeds(CHARGE, part("15.00", "r1"), amount="10.00", ours=["r1"]) is False
    assert exceeds(CHARGE, part("15.00", "r1"), part("1.00"), amount="10.00", ours=["r1"]) is True


def test_our_records_are_not_read_where_nothing_went_back():
    def read():
        raise AssertionError

    assert not refunded_elsewhere([CHARGE], charge_id="c1", reference=OURS, amount=D("20.00"), ours=read)
