"""Whether the status of an order asks for something that has not been done with one of its vouchers."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from voucher_payment_gateway.rules.by_status import SWEPT_VERBS, may_have_effect

INSTANT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Payment:
    status: str = "authorized"
    confirmed_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    sealed_code: str = "sealed"
    amount_agreed: D = D("20.00")
    amount_authorized: D = D("20.00")
    amount_captured: D = D("0.00")
    amount_refunded: D = D("0.00")
    open_charge: D = D("0.00")
    has_open_operation: bool = False
    was_refused: bool = False


HELD = Payment()
SELECTED = Payment(status="selected", amount_agreed=D("0.00"), amount_authorized=D("0.00"))
CONFIRMED = replace(HELD, confirmed_at=INSTANT)
LAPSED = Payment(status="lapsed", amount_authorized=D("0.00"))
CAPTURED = Payment(status="captured", amount_authorized=D("0.00"), amount_captured=D("20.00"), sealed_code="")
REFUNDED = replace(CAPTURED, status="refunded", amount_refunded=D("20.00"))
FAILED = replace(LAPSED, status="failed", sealed_code="")


@pytest.mark.parametrize(
    ("payment", "expected"),
    [
        (SELECTED, {"authorize", "cancel"}),
        (HELD, {"authorize", "capture", "cancel"}),
        (CONFIRMED, {"capture", "cancel"}),
        (LAPSED, {"capture", "cancel"}),
        (replace(LAPSED, sealed_code=""), {"cancel"}),
        (replace(LAPSED, amount_captured=D("20.00"), amount_refunded=D("20.00")), {"cancel"}),
        (CAPTURED, {"refund", "cancel"}),
        (replace(CAPTURED, amount_refunded=D("5.00")), {"refund", "cancel"}),
        (replace(CAPTURED, was_refused=True), set()),
        (replace(CAPTURED, has_open_operation=True), {"cancel"}),
        (replace(HELD, has_open_operation=True), {"cancel"}),
        (replace(HELD, cancel_requested_at=INSTANT), set()),
        (REFUNDED, set()),
        (replace(REFUNDED, sealed_code="sealed"), {"cancel"}),
        (replace(REFUNDED, has_open_operation=True), {"cancel"}),
        (replace(REFUNDED, status="cancelled"), set()),
        (FAILED, set()),
        (replace(LAPSED, sealed_code="", confirmed_at=INSTANT), {"capture", "cancel"}),
        (
            replace(CAPTURED, sealed_code="sealed", amount_captured=D("5.00"), confirmed_at=INSTANT),
            {"capture", "refund", "cancel"},
        ),
    ],
)
def test_a_verb_is_run_again_only_where_it_may_change_something(payment, expected):
    assert {verb for verb in SWEPT_VERBS if may_have_effect(verb, payment)} == expected


def test_a_verb_that_no_status_is_looked_at_again_for_changes_nothing():
    assert not may_have_effect("issue", HELD)
