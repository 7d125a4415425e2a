"""Cancel in every state: the refund is never a cent less than the charge."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, RefusedError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment


@pytest.fixture
def order(shop):
    shop.voucher("20.00")
    return shop.order("50.00")


def test_a_selected_voucher_is_let_go_without_a_call(shop, order):
    gateway.select(order, "GIFT-2000-ABCD")
    gateway.cancel(order)
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.sealed_code) == ("cancelled", "")
    assert shop.calls() == []


@pytest.mark.parametrize("call", ["absent", "works"])
def test_a_reservation_is_let_go_whatever_the_voucher_cloud_says(shop, order, call):
    shop.cloud.behaviour = shop.cloud.behaviour.model_copy(update={"cancel_reservation": call})
    gateway.authorize(order, "GIFT-2000-ABCD")
    (payment,) = gateway.cancel(order)
    assert (payment.status, payment.amount_authorized, payment.sealed_code) == ("cancelled", D("0.00"), "")
    assert order.voucher_due == D("50.00")


def test_the_call_can_be_left_out(shop, order, gateway_settings):
    gateway_settings(CANCEL_RESERVATION_CALL=False)
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.calls()
    gateway.cancel(order)
    assert shop.calls() == []
    assert VoucherPayment.objects.get().status == "cancelled"


@pytest.mark.parametrize("fault", ["before:drop", "before:500", "before:401", "after:garbage"])
def test_a_customer_may_cancel_while_the_voucher_cloud_is_down(shop, order, fault):
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.cloud.faults.next(fault, times=9)
    gateway.cancel(order)
    assert VoucherPayment.objects.get().status == "cancelled"


def test_what_was_charged_is_refunded_in_full(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    gateway.refund(order, "5.00")
    (payment,) = gateway.cancel(order)
    assert (payment.status, payment.amount_refunded) == ("cancelled", D("20.00"))
    assert order.voucher_due == D("50.00")


def test_a_cancelled_order_is_left_alone(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.cancel(order)
    shop.calls()
    assert gateway.cancel(order) == []
    assert shop.calls() == []


def test_a_refused_refund_leaves_it_captured(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    shop.cloud.faults.next("before:422", method="POST", path="*/refund")
    with pytest.raises(RefusedError):
        gateway.cancel(order)
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.amount_refunded) == ("captured", D("0.00"))
    gateway.settle()
    assert VoucherPayment.objects.get().amount_refunded == D("0.00")


def test_a_cancel_request_during_an_unknown_charge_is_carried_out_once_it_is_known(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    (payment,) = gateway.cancel(order)
    assert payment.status == "authorized"
    assert payment.cancel_requested_at
    VoucherOperation.objects.filter(state="unknown").update(due_at="2020-01-01T00:00:00Z")
    report = gateway.settle()
    assert (report.found, report.cancelled) == (1, 1)
    payment.refresh_from_db()
    assert (payment.status, payment.amount_captured, payment.amount_refunded) == (
        "cancelled",
        D("20.00"),
        D("20.00"),
    )


def test_a_charge_that_was_never_sent_is_withdrawn(shop, order):
    from voucher_payment_gateway.exceptions import UnavailableError

    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.cloud.faults.next("before:429", method="POST", path="*/charge")
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    gateway.cancel(order)
    assert VoucherPayment.objects.get().status == "cancelled"
    assert VoucherOperation.objects.get(kind="charge").state == "not_applied"
    VoucherOperation.objects.update(due_at="2020-01-01T00:00:00Z")
    assert gateway.settle().sent == 0


def test_a_rollback_keeps_the_reservation(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.calls()
    with pytest.raises(RuntimeError), transaction.atomic():
        gateway.cancel(order)
        raise RuntimeError
    assert shop.calls() == []
    assert VoucherPayment.objects.get().status == "authorized"


def test_a_voucher_may_be_used_again_after_it_was_cancelled(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.cancel(order)
    gateway.authorize(order, "GIFT-2000-ABCD")
    assert sorted(p.status for p in order.voucher_payments) == ["authorized", "cancelled"]


def test_a_cancel_that_was_decided_before_a_charge_began_is_decided_again(shop, order, monkeypatch):
    """Another tab charges between the read and the write of cancel: the charge is refunded, not lost."""
    from voucher_payment_gateway.gateway.verbs import cancel

    gateway.authorize(order, "GIFT-2000-ABCD")
    VoucherPayment.objects.update(reserved_until="2020-01-01T00:00:00Z")
    read_order, first = cancel.read_order, []

    def read_then_charge(number):
        view = read_order(number)
        if not first:
            first.append(gateway.capture(order))
        return view

    monkeypatch.setattr(cancel, "read_order", read_then_charge)
    (payment,) = gateway.cancel(order)
    assert (payment.status, payment.amount_captured, payment.amount_refunded) == (
        "cancelled",
        D("20.00"),
        D("20.00"),
    )


def test_every_cancel_is_told_in_the_story(shop, order):
    gateway.select(order, "GIFT-2000-ABCD")
    gateway.cancel(order, actor="clerk", reason="changed their mind")
    (operation,) = VoucherPayment.objects.get().operations.all()
    assert (operation.kind, operation.state, operation.attempts) == ("cancel", "succeeded", 0)
    assert (operation.actor, operation.reason) == ("clerk", "changed their mind")


def test_a_cancel_request_outlives_an_older_refused_refund(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    shop.cloud.faults.next("before:422", method="POST", path="*/refund")
    with pytest.raises(RefusedError):
        gateway.refund(order, "5.00")
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "3.00")
    gateway.cancel(order)
    shop.later(minutes=1)
    gateway.settle()
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.amount_refunded) == ("cancelled", D("20.00"))


def test_a_failed_payment_stays_failed(shop, order):
    gateway.select(order, "NO-SUCH-VOUCHER")
    with pytest.raises(RefusedError):
        gateway.authorize_selected(order)
    assert gateway.cancel(order) == []
    assert VoucherPayment.objects.get().status == "failed"
