"""Each case that needs a person is found by a query, whatever signal was lost with a process that died."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import CredentialsError, OutcomeUnknownError, RefusedError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

REFUND = "*/refund"


@pytest.fixture
def refused(shop, order, voucher):
    """A part of the order is returned, and the voucher takes no refund."""
    gateway.capture(order)
    shop.cloud.faults.next("before:422", method="POST", path=REFUND)
    with pytest.raises(RefusedError):
        gateway.refund(order, "5.00")
    return order


def found():
    return [payment.order_number for payment in VoucherPayment.current.needing_attention()]


def test_a_refused_refund_is_found_until_all_has_gone_back(refused):
    assert found() == ["A-1001"]
    assert not VoucherPayment.current.unpaid().exists()  # its order is paid
    gateway.refund(refused, "5.00")
    assert found() == ["A-1001"]  # another return, for all we know
    gateway.refund(refused)
    assert found() == []


def test_a_refund_that_went_back_in_another_way_is_not(shop, order, voucher, gateway_settings):
    gateway_settings(REFUND_FALLBACK=["recharge", "manual"])
    gateway.capture(order)
    shop.cloud.faults.next("before:422", method="POST", path=REFUND)
    gateway.refund(order, "5.00")
    assert (found(), order.voucher_refunded) == ([], D("5.00"))


def test_one_recharge_answers_for_one_of_two_equal_refunds(shop, order, voucher, gateway_settings):
    """Of two equal returns one went back in another way, and the other one did not go back."""
    gateway_settings(REFUND_FALLBACK=["recharge", "manual"])
    gateway.capture(order)
    shop.cloud.faults.next("before:422", method="POST", path=REFUND, times=2)
    shop.cloud.faults.next("before:422", method="POST", path="*/recharge*", times=1)
    with pytest.raises(RefusedError):
        gateway.refund(order, "5.00", key="line-1")
    gateway.refund(order, "5.00", key="line-2")
    assert (found(), order.voucher_refunded) == (["A-1001"], D("5.00"))
    (left,) = VoucherOperation.current.left_to_a_person()
    assert left.idempotency_key.key == "line-1"


def test_an_operation_that_a_person_must_decide_is_found_until_that_is_done(shop, order, voucher):
    shop.cloud.faults.next("before:403", method="POST", path="*/charge", times=None)
    with pytest.raises(CredentialsError):
        gateway.capture(order)
    shop.later(hours=25)
    gateway.settle()
    charge = VoucherOperation.objects.get(kind="charge")
    assert (charge.state, found()) == ("manual", ["A-1001"])
    gateway.conclude(charge, actor="mia", reason="not booked")
    assert found() == []


def test_what_is_still_being_decided_needs_no_person(shop, order, voucher):
    gateway.capture(order)
    shop.cloud.faults.next("before:drop", method="POST", path=REFUND)
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order)
    assert found() == []
