"""A Voucher Cloud that does not answer: what is refused meanwhile was not sent, and is sent later, once."""

from decimal import Decimal as D

import pytest

from tests.log_records import fields_of
from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.api import limits
from voucher_payment_gateway.checkout import error_message
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.gateway.recovery.last_sweep import last_sweep_at
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

AWAY = "before:500"


def open_circuit(seconds=1.0):
    """Open the circuit as the Voucher Cloud's own ``Retry-After`` does."""
    connection.voucher_cloud().authenticate()
    assert connection.voucher_cloud()._flow.gate._circuit.obey_retry_after(seconds, limits.clock())


def operation():
    return VoucherOperation.objects.latest("pk")


def test_a_capture_while_the_circuit_is_open_stays_due_and_is_sent_once_later(shop, order):
    open_circuit()
    shop.calls()
    with pytest.raises(UnavailableError) as caught:
        gateway.capture(order)
    assert (caught.value.code, caught.value.money_moved) == ("circuit_open", "no")
    assert (operation().state, operation().attempts, operation().error_code) == ("due", 0, "circuit_open")
    assert shop.calls() == []
    shop.later(minutes=2)
    report = gateway.settle()
    assert (report.sent, report.unavailable, report.still_open) == (1, 0, 0)
    assert shop.bookings(shop.vouchers[0]) == [("charge", D("20.00"))]


def test_a_refund_and_a_cancellation_stay_due_too(shop, order):
    gateway.capture(order)
    open_circuit()
    with pytest.raises(UnavailableError):
        gateway.refund(order, D("5.00"))
    shop.later(minutes=2)
    gateway.settle()
    assert shop.bookings(shop.vouchers[0]) == [("charge", D("20.00")), ("refund", D("5.00"))]


def test_a_circuit_that_opens_between_preparation_and_call_leaves_it_due_and_unsent(shop, order, during):
    during("charge", open_circuit)
    shop.calls()
    with pytest.raises(UnavailableError) as caught:
        gateway.capture(order)
    assert caught.value.code == "circuit_open"
    assert (operation().state, operation().attempts) == ("due", 0)
    assert shop.calls() == []
    shop.later(minutes=2)
    gateway.settle()
    assert shop.bookings(shop.vouchers[0]) == [("charge", D("20.00"))]


def test_a_charge_that_is_booked_and_answered_with_retry_after_is_found_at_once(shop, order):
    """What became of a call that was sent is asked although the Voucher Cloud asks to wait."""
    shop.cloud.faults.next("after:429=3", method="POST", path="*/charge")
    shop.calls()
    gateway.capture(order)
    assert [method for method, _ in shop.calls()] == ["POST", "GET"]
    assert operation().state == "succeeded"
    assert shop.bookings(shop.vouchers[0]) == [("charge", D("20.00"))]


def test_a_customer_is_told_that_vouchers_cannot_be_checked_just_now(shop):
    voucher, order = shop.voucher("20.00"), shop.order("50.00")
    open_circuit()
    shop.calls()
    with pytest.raises(UnavailableError) as caught:
        gateway.authorize(order, voucher.code)
    assert shop.calls() == []
    assert error_message(caught.value).startswith(
        "Gift vouchers cannot be checked just now. Nothing was taken"
    )
    assert not VoucherPayment.objects.exclude(status="failed").exists()


def test_failures_of_the_verbs_open_the_circuit(shop, order):
    before = connection.openings()
    shop.cloud.faults.next(AWAY, times=None)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            connection.voucher_cloud().get_voucher(shop.vouchers[0].id)
    assert connection.has_failed_since("", before)


def due_captures(shop, count):
    """Orders whose captures are due, as the Voucher Cloud was away."""
    orders = [shop.order("10.00", number=f"A-{number}") for number in range(count)]
    for number, order in enumerate(orders):
        shop.voucher("10.00", code=f"CODE-{number}")
        gateway.authorize(order, f"CODE-{number}")
    open_circuit()
    for order in orders:
        with pytest.raises(UnavailableError):
            gateway.capture(order)


def test_a_sweep_ends_early_while_the_voucher_cloud_hangs(shop, caplog, gateway_settings):
    gateway_settings(SETTLE_THREADS=1)
    due_captures(shop, 6)
    shop.later(minutes=2)
    shop.calls()
    shop.cloud.faults.next("before:429=1", times=None)
    report = gateway.settle()
    assert (report.sent, report.unavailable, report.still_open) == (0, 1, 6)
    assert len([call for call in shop.calls() if call[0] == "POST"]) == 1
    charges = VoucherOperation.objects.filter(kind="charge")
    assert set(charges.values_list("state", "attempts")) == {("due", 0)}
    assert "settle_cut_short" in [fields_of(record).get("voucher_event") for record in caplog.records]


def test_the_next_sweep_goes_on_with_what_was_left(shop):
    due_captures(shop, 6)
    shop.later(minutes=2)
    shop.cloud.faults.next("before:429=1", times=1)
    gateway.settle()
    shop.later(hours=2)
    report = gateway.settle()
    assert (report.unavailable, report.still_open) == (0, 0)
    for voucher in shop.vouchers:
        assert [kind for kind, _ in shop.bookings(voucher)] == ["charge"]


def test_a_sweep_that_ends_early_does_all_that_needs_no_voucher_cloud(shop, order):
    due_captures(shop, 1)
    shop.later(hours=2)
    shop.cloud.faults.next("before:429=1", times=None)
    report = gateway.settle()
    assert (report.lapsed, report.unavailable) == (1, 1)


def test_a_sweep_that_ended_early_has_run(shop):
    open_circuit()
    gateway.settle()
    assert last_sweep_at() is not None


def test_the_vouchers_of_one_order_are_reserved_side_by_side_although_only_one_may_wait(
    shop, gateway_settings
):
    gateway_settings(SLOW_CALLS=1)
    order = shop.order("80.00")
    for number in range(8):
        gateway.select(order, shop.voucher("10.00", code=f"CODE-{number}").code)
    connection.voucher_cloud().authenticate()
    bulkhead, now = connection.voucher_cloud()._flow.gate._bulkhead, limits.clock()
    bulkhead.enter("a slow call", now - 5)
    bulkhead.leave("a slow call", now - 5, now, answered=True)
    gateway.authorize_selected(order)
    assert order.voucher_payments.filter(status="authorized").count() == 8
