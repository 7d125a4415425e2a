"""What the vouchers of an order cover, and what one voucher leaves for another order."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from voucher_payment_gateway.rules import cover
from voucher_payment_gateway.rules.timing import has_ended

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ZERO = Decimal("0.00")


@dataclass(eq=False)
class Payment:
    """A confirmed payment of 30.00 that is held."""

    status: str = "authorized"
    confirmed_at: datetime | None = NOON
    cancel_requested_at: datetime | None = None
    sealed_code: str = "sealed"
    amount_agreed: Decimal = Decimal("30.00")
    amount_authorized: Decimal = Decimal("30.00")
    amount_captured: Decimal = ZERO
    amount_refunded: Decimal = ZERO
    open_charge: Decimal = ZERO


def lapsed(**facts):
    return Payment(**{"status": "lapsed", "amount_authorized": ZERO, **facts})


def captured(amount="30.00", **facts):
    given = {"status": "captured", "amount_authorized": ZERO, "amount_captured": Decimal(amount)}
    return Payment(**{**given, "sealed_code": "", **facts})


@pytest.mark.parametrize("payment", [Payment(), Payment(sealed_code=""), lapsed()])
def test_a_confirmed_payment_agrees_to_its_amount_whether_it_is_held_or_has_lapsed(payment):
    assert cover.agreed(payment) == Decimal("30.00")


@pytest.mark.parametrize(
    "payment",
    [
        lapsed(confirmed_at=None),
        lapsed(cancel_requested_at=NOON),
        lapsed(sealed_code=""),
        lapsed(status="cancelled"),
        lapsed(status="failed"),
        captured(sealed_code="sealed"),
    ],
)
def test_nothing_is_agreed_that_cannot_be_captured(payment):
    assert cover.agreed(payment) == ZERO
    assert not cover.outlives_hold(payment)


def test_the_rest_of_a_captured_payment_is_agreed_while_its_code_is_stored():
    assert cover.agreed(captured("10.00", sealed_code="sealed")) == Decimal("20.00")
    assert cover.agreed(captured("10.00")) == ZERO


def test_a_payment_outlives_its_hold_only_with_its_code():
    assert cover.outlives_hold(lapsed())
    assert not cover.outlives_hold(Payment(sealed_code=""))


def test_what_is_held_agreed_or_in_flight_is_outstanding():
    assert cover.outstanding(Payment(confirmed_at=None)) == Decimal("30.00")
    assert cover.outstanding(lapsed()) == Decimal("30.00")
    assert cover.outstanding(lapsed(sealed_code="", open_charge=Decimal("5.00"))) == Decimal("5.00")


def test_what_went_back_is_settled_only_where_the_total_stays():
    payment = captured("30.00", amount_refunded=Decimal("20.00"))
    assert cover.settled(payment, "stays") == Decimal("30.00")
    assert cover.settled(payment, "lowered") == Decimal("10.00")


def test_an_order_is_covered_by_what_is_settled_and_what_will_be_charged():
    held, paid = Payment(), captured("10.00")
    gone = Payment(status="cancelled")
    assert cover.covered([held, paid, gone], "stays") == Decimal("40.00")
    assert cover.covered([held, paid, gone], "stays", without=[held]) == Decimal("10.00")
    held.open_charge = Decimal("5.00")
    assert cover.covered([held, paid, gone], "stays", without=[held]) == Decimal("15.00")


def test_never_less_than_nothing_is_due():
    assert cover.due(Decimal("50.00"), Decimal("30.00")) == Decimal("20.00")
    assert cover.due(Decimal("30.00"), Decimal("50.00")) == ZERO


@pytest.mark.parametrize("payment", [lapsed(status="failed", sealed_code=""), lapsed(sealed_code="")])
def test_a_confirmed_payment_that_ended_without_its_money_is_unpaid(payment):
    assert cover.is_unpaid(payment)


@pytest.mark.parametrize(
    "payment",
    [
        Payment(),
        lapsed(),
        captured(),
        lapsed(confirmed_at=None, sealed_code=""),
        lapsed(status="cancelled", sealed_code=""),
        lapsed(cancel_requested_at=NOON, sealed_code=""),
    ],
)
def test_a_payment_that_counts_was_captured_or_was_taken_off_is_not_unpaid(payment):
    assert not cover.is_unpaid(payment)


def test_a_voucher_leaves_what_nobody_counts_on():
    assert cover.left_for_others(Decimal("80.00"), [Payment(), lapsed()]) == Decimal("20.00")
    assert cover.left_for_others(Decimal("50.00"), [Payment(), lapsed()]) == ZERO
    assert cover.left_for_others(Decimal("50.00"), []) == Decimal("50.00")


def test_a_reservation_that_is_not_there_has_ended():
    assert has_ended(None, NOON)
    assert has_ended(NOON, NOON)
    assert not has_ended(datetime(2026, 1, 1, 13, tzinfo=UTC), NOON)


@pytest.mark.parametrize(
    ("payment", "amount"),
    [
        (lapsed(sealed_code=""), "30.00"),
        (captured("10.00"), "20.00"),
        (captured(), "0.00"),
        (Payment(), "0.00"),
        (lapsed(), "0.00"),
        (Payment(status="cancelled", amount_authorized=ZERO), "0.00"),
        (lapsed(sealed_code="", confirmed_at=None), "0.00"),
    ],
)
def test_what_a_confirmed_payment_promised_in_vain_is_unpaid(payment, amount):
    assert cover.unpaid(payment) == Decimal(amount)


@pytest.mark.parametrize(
    ("payments", "payable", "counted"),
    [
        ([Payment()], "50.00", "30.00"),
        ([Payment()], "20.00", "20.00"),
        ([Payment()], "-5.00", "0.00"),
        ([captured("10.00", sealed_code="sealed")], "10.00", "10.00"),
        ([captured("10.00", sealed_code="sealed")], "25.00", "25.00"),
        ([captured("30.00")], "20.00", "30.00"),
        ([captured("10.00", sealed_code="sealed", open_charge=Decimal("20.00"))], "0.00", "30.00"),
        ([Payment(status="cancelled")], "50.00", "0.00"),
        ([], "50.00", "0.00"),
    ],
)
def test_what_is_still_to_be_charged_counts_up_to_what_vouchers_may_pay(payments, payable, counted):
    assert cover.counted(payments, Decimal(payable), "stays") == Decimal(counted)
