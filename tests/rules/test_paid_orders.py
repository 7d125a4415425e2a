"""Whether an order still fits what vouchers have paid for it."""

from decimal import Decimal

import pytest

from tests.rules.test_cover import Payment, captured, lapsed
from voucher_payment_gateway.rules.paid_orders import compare_order

HELD = Payment()
GIVEN_BACK = captured(status="refunded", amount_refunded=Decimal("30.00"))
CANCELLED = captured(status="cancelled", amount_refunded=Decimal("30.00"))


def found(*payments, total="50.00", is_gone=False, is_cancelled=False):
    paid = Decimal(total) if total else None
    return compare_order(payments, is_gone=is_gone, is_cancelled=is_cancelled, total=paid)


@pytest.mark.parametrize(
    "payments", [(), (HELD,), (captured(),), (captured(), captured("20.00")), (lapsed(),)]
)
def test_an_order_that_costs_what_was_paid_or_more_is_in_order(payments):
    assert found(*payments) is None


@pytest.mark.parametrize(
    ("total", "too_much"), [("29.99", "0.01"), ("0.00", "30.00"), ("-5.00", "30.00"), ("20.00", "10.00")]
)
def test_an_order_that_was_paid_more_than_it_costs_is_told(total, too_much):
    assert found(captured(), GIVEN_BACK, total=total) == ("order_overpaid", Decimal(too_much))


def test_what_is_held_is_not_paid():
    assert found(HELD, captured("5.00"), total="10.00") is None


def test_an_order_whose_total_is_not_known_is_not_judged_by_it():
    assert found(captured(), total=None) is None


@pytest.mark.parametrize("payment", [HELD, captured(), lapsed(), Payment(amount_authorized=Decimal("30.00"))])
@pytest.mark.parametrize(("fact", "kind"), [("is_gone", "order_gone"), ("is_cancelled", "order_cancelled")])
def test_an_order_that_is_gone_or_cancelled_may_keep_nothing(fact, kind, payment):
    assert found(payment, GIVEN_BACK, total=None, **{fact: True}) == (kind, Decimal("30.00"))


@pytest.mark.parametrize("fact", ["is_gone", "is_cancelled"])
def test_nothing_is_told_of_money_that_went_back(fact):
    assert found(GIVEN_BACK, CANCELLED, lapsed(sealed_code=""), **{fact: True}) is None


def test_a_charge_in_flight_of_an_order_that_is_gone_is_told():
    unsent = lapsed(confirmed_at=None, open_charge=Decimal("7.00"))
    assert found(unsent, is_gone=True) == ("order_gone", Decimal("7.00"))
