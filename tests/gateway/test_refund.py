"""Refund: in parts, over several vouchers, never more than was captured."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    AmountError,
    OperationInProgressError,
    RefusedError,
    WrongStateError,
)
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.signals import payment_needs_review


@pytest.fixture
def paid(shop):
    """An order of 50.00, paid with vouchers of 20.00 and 30.00."""
    vouchers = shop.voucher("20.00"), shop.voucher("30.00", code="GIFT-3000-WXYZ")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.authorize(order, "GIFT-3000-WXYZ")
    gateway.capture(order)
    return order, *vouchers


def test_all_goes_back_where_no_amount_is_given(shop, paid):
    order, first, second = paid
    gateway.refund(order)
    assert shop.bookings(first)[1:] == [("refund", D("20.00"))]
    assert shop.bookings(second)[1:] == [("refund", D("30.00"))]
    assert {p.status for p in order.voucher_payments} == {"refunded"}
    assert order.voucher_refunded == D("50.00")


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("last-first", ([], [D("25.00")])),
        ("first-first", ([D("20.00")], [D("5.00")])),
        ("pro-rata", ([D("10.00")], [D("15.00")])),
    ],
)
def test_a_part_is_spread_by_the_setting(shop, paid, gateway_settings, way, expected):
    order, first, second = paid
    gateway_settings(REFUND_ORDER=way)
    gateway.refund(order, "25.00")
    refunds = [[amount for kind, amount in shop.bookings(v) if kind == "refund"] for v in (first, second)]
    assert tuple(refunds) == expected
    assert order.voucher_refunded == D("25.00")


def test_parts_add_up_and_a_cent_more_is_refused(shop, paid):
    order, *_ = paid
    for _ in range(3):
        gateway.refund(order, "16.66")
    assert order.voucher_refunded == D("49.98")
    shop.calls()
    with pytest.raises(AmountError, match=r"only 0\.02"):
        gateway.refund(order, "0.03")
    assert shop.calls() == []
    gateway.refund(order, "0.02")
    assert {p.status for p in order.voucher_payments} == {"refunded"}


def test_refund_in_full_twice_refunds_once(shop, paid):
    order, first, _ = paid
    gateway.refund(order)
    assert gateway.refund(order) == []
    assert shop.cloud.balance(first.id) == D("20.00")


def test_nothing_captured_cannot_be_refunded(shop):
    shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    with pytest.raises(WrongStateError):
        gateway.refund(order)


def test_the_refunds_there_before_are_noted_before_the_first_is_sent(shop, paid):
    order, *_ = paid
    gateway.refund(order, "5.00")
    gateway.refund(order, "5.00")
    first_refund, second_refund = VoucherOperation.objects.filter(kind="refund")
    assert first_refund.baseline == []
    assert second_refund.baseline == [first_refund.remote_id]


def test_without_a_baseline_nothing_is_refunded_and_settle_makes_up_for_it(shop, paid, gateway_settings):
    from voucher_payment_gateway.exceptions import UnavailableError

    order, _, second = paid
    shop.cloud.faults.next("before:503", method="GET", path="*/charges", times=9)
    with pytest.raises(UnavailableError):
        gateway.refund(order, "5.00")
    assert shop.bookings(second) == [("charge", D("30.00"))]
    shop.cloud.faults.clear()
    VoucherOperation.objects.filter(state="due").update(due_at="2020-01-01T00:00:00Z")
    assert gateway.settle().sent == 1
    assert shop.bookings(second) == [("charge", D("30.00")), ("refund", D("5.00"))]


def test_a_second_refund_waits_for_an_open_one(shop, paid):
    order, *_ = paid
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(Exception, match="do not repeat it"):
        gateway.refund(order, "5.00")
    with pytest.raises(OperationInProgressError):
        gateway.refund(order, "5.00")


def test_a_refused_refund_leaves_the_payment_captured_and_asks_for_a_person(shop, paid):
    order, *_ = paid
    asked = []
    payment_needs_review.connect(receiver := lambda payment, **_: asked.append(payment.pk), weak=False)
    shop.cloud.faults.next("before:422", method="POST", path="*/refund")
    try:
        with pytest.raises(RefusedError):
            gateway.refund(order, "5.00")
    finally:
        payment_needs_review.disconnect(receiver)
    assert asked == [VoucherPayment.objects.last().pk]
    assert {p.status for p in order.voucher_payments} == {"captured"}
    gateway.refund(order, "5.00")
    assert order.voucher_refunded == D("5.00")


def test_a_rollback_refunds_nothing_and_a_commit_refunds_once(shop, paid):
    order, _, second = paid
    with pytest.raises(RuntimeError), transaction.atomic():
        gateway.refund(order, "5.00")
        raise RuntimeError
    assert order.voucher_refunded == D("0.00")
    with transaction.atomic():
        gateway.refund(order, "5.00")
    assert order.voucher_refunded == D("5.00")
    assert shop.bookings(second)[1:] == [("refund", D("5.00"))]


def test_a_refund_states_the_amount_that_its_call_named(shop, paid):
    gateway.refund(paid[0], "35.00")
    gateway.refund(paid[0])
    refunds = VoucherOperation.objects.filter(kind="refund").values_list("amount_asked", flat=True)
    assert list(refunds) == [D("35.00"), D("35.00"), None]
