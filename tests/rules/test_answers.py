"""Whether an answer belongs to our call."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway.rules.evidence import (
    is_answer_to_charge,
    is_answer_to_refund,
    late_answer_needs_review,
)


@pytest.mark.parametrize(
    ("charged", "answered_voucher_id", "answered_reference", "expected"),
    [
        ("5.00", "v1", "A-1.x", True),
        ("5.00", None, "A-1.x", True),
        ("5.00", "v1", None, True),
        ("5.00", "v1", "", True),
        ("5.00", None, None, False),
        ("5.00", "", "", False),
        ("5.01", "v1", "A-1.x", False),
        ("5.00", "v2", "A-1.x", False),
        ("5.00", "v1", " a-1.X ", True),
        ("5.00", "v1", "A-1.y", False),
        ("5.00", "v2", None, False),
    ],
)
def test_a_charge_is_answered_only_by_its_own_facts(
    charged, answered_voucher_id, answered_reference, expected
):
    found = is_answer_to_charge(
        amount=D("5.00"),
        charged=D(charged),
        voucher_id="v1",
        answered_voucher_id=answered_voucher_id,
        reference="A-1.x",
        answered_reference=answered_reference,
    )
    assert found is expected


@pytest.mark.parametrize(
    ("remote_id", "answered_voucher_id", "answered_reference", "expected"),
    [
        ("r2", "v1", "A-1.x", True),
        ("r2", None, None, True),
        ("r2", None, "", True),
        ("r1", "v1", "A-1.x", False),
        ("r2", "v2", "A-1.x", False),
        ("r2", "v1", "A-1.y", False),
        ("r2", "v1", " a-1.X ", True),
    ],
)
def test_a_refund_is_answered_by_no_row_that_was_there_before(
    remote_id, answered_voucher_id, answered_reference, expected
):
    found = is_answer_to_refund(
        remote_id=remote_id,
        baseline={"r1"},
        voucher_id="v1",
        answered_voucher_id=answered_voucher_id,
        reference="A-1.x",
        answered_reference=answered_reference,
    )
    assert found is expected


@pytest.mark.parametrize(
    ("state", "recorded_id", "expected"),
    [
        ("succeeded", "b1", False),
        ("succeeded", "b2", True),
        ("refused", "", True),
        ("manual", "", True),
        ("unknown", "", False),
    ],
)
def test_a_late_answer_that_differs_from_what_was_decided_is_for_a_person(state, recorded_id, expected):
    assert late_answer_needs_review(state=state, recorded_id=recorded_id, remote_id="b1") is expected
