"""What the bookings of a voucher prove about an operation."""

from dataclasses import dataclass, replace
from decimal import Decimal as D

import pytest

from voucher_payment_gateway.rules.evidence import (
    Evidence,
    charge_evidence,
    refund_evidence,
    refunded_meanwhile,
)


@dataclass(frozen=True)
class Row:
    id: str = "b1"
    type: str = "charge"
    amount: D = D("5.00")
    order_number: str | None = "A-1.x"
    client_id: str | None = "shop"


OURS = Row()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Evidence("absent")),
        ([OURS], Evidence("found", "b1")),
        ([replace(OURS, order_number="A-1")], Evidence("absent")),
        ([replace(OURS, order_number="A-1.x2")], Evidence("absent")),
        ([replace(OURS, amount=D("5.01"))], Evidence("absent")),
        ([replace(OURS, type="recharge")], Evidence("absent")),
        ([replace(OURS, id="known")], Evidence("absent")),
        ([OURS, replace(OURS, id="b2")], Evidence("ambiguous")),
        ([replace(OURS, order_number=" a-1.X ")], Evidence("found", "b1")),
        ([replace(OURS, order_number=None)], Evidence("ambiguous")),
        ([replace(OURS, order_number="")], Evidence("ambiguous")),
        ([OURS, replace(OURS, id="b2", order_number=None)], Evidence("found", "b1")),
    ],
)
def test_a_charge_is_ours_only_if_everything_is_equal(rows, expected):
    assert charge_evidence(rows, reference="A-1.x", amount=D("5.00"), ours={"known"}) == expected


REFUND = Row(type="refund")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Evidence("absent")),
        ([REFUND], Evidence("found", "b1")),
        ([replace(REFUND, order_number=None)], Evidence("found", "b1")),
        ([replace(REFUND, order_number="")], Evidence("found", "b1")),
        ([replace(REFUND, order_number="other")], Evidence("absent")),
        ([replace(REFUND, id="before")], Evidence("absent")),
        ([replace(REFUND, id="known")], Evidence("absent")),
        ([replace(REFUND, amount=D("4.99"))], Evidence("absent")),
        ([replace(REFUND, type="charge")], Evidence("absent")),
        ([replace(REFUND, client_id="till")], Evidence("ambiguous")),
        ([replace(REFUND, client_id=None)], Evidence("found", "b1")),
        ([REFUND, replace(REFUND, id="b2")], Evidence("ambiguous")),
    ],
)
def test_a_refund_is_ours_only_if_it_is_new_and_the_only_one(rows, expected):
    found = refund_evidence(
        rows, amount=D("5.00"), baseline={"before"}, ours={"known"}, reference="A-1.x", client_id="shop"
    )
    assert found == expected


def test_a_booking_that_is_alike_in_nothing_proves_nothing_of_a_charge():
    rows = [REFUND, replace(OURS, order_number="A-2"), replace(OURS, amount=D("4.99"))]
    assert charge_evidence(rows, reference="A-1.x", amount=D("5.00"), ours=()) == Evidence("absent")


def test_without_a_client_of_the_charge_no_client_of_the_refund_is_strange():
    found = refund_evidence([REFUND], amount=D("5.00"), baseline=(), ours=(), reference="A-1.x", client_id="")
    assert found == Evidence("found", "b1")


def test_two_refunds_are_ambiguous_whoever_booked_the_first():
    found = refund_evidence(
        [replace(REFUND, client_id="till"), replace(REFUND, id="b2")],
        amount=D("5.00"),
        baseline=(),
        ours=(),
        reference="A-1.x",
        client_id="shop",
    )
    assert found == Evidence("ambiguous")


def test_evidence_that_found_nothing_names_nothing():
    assert (Evidence("absent").remote_id, Evidence("ambiguous").remote_id) == ("", "")


LONG = "A-1001-2026-1.9f3ab27c01"


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (LONG, Evidence("found", "b1")),
        (LONG[:20], Evidence("ambiguous")),
        (LONG[:16], Evidence("ambiguous")),
        (LONG[:8], Evidence("ambiguous")),
        (LONG[:7], Evidence("absent")),
        (LONG + "x", Evidence("absent")),
    ],
)
def test_a_number_that_was_cut_off_is_for_a_person(returned, expected):
    rows = [replace(OURS, order_number=returned)]
    assert charge_evidence(rows, reference=LONG, amount=D("5.00"), ours=()) == expected


def test_a_refund_may_show_a_number_that_was_cut_off():
    rows = [replace(REFUND, order_number=LONG[:20])]
    facts = {"amount": D("5.00"), "baseline": (), "ours": (), "client_id": ""}
    assert refund_evidence(rows, reference=LONG, **facts) == Evidence("found", "b1")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (REFUND, True),
        (replace(REFUND, amount=D("1.00")), True),
        (replace(REFUND, order_number=None), True),
        (replace(REFUND, order_number="other"), False),
        (replace(REFUND, id="before"), False),
        (replace(REFUND, id="known"), False),
        (replace(REFUND, type="recharge"), False),
    ],
)
def test_a_refund_of_any_amount_may_be_why_ours_is_refused(row, expected):
    known = {"baseline": ["before"], "ours": {"known"}, "reference": "A-1.x"}
    assert refunded_meanwhile([OURS, row], **known) == expected
