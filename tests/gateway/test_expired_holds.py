"""Expiry: dead holds lapse, and codes are erased."""

from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    OperationInProgressError,
    OutcomeUnknownError,
    VoucherGatewayError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.recovery import expire
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


def only_payment():
    return VoucherPayment.objects.get()


def test_a_dead_hold_lapses_without_a_call_and_is_told_once(shop, order, record_signal):
    lapsed = record_signal("payment_lapsed")
    shop.later(minutes=36)
    shop.calls()
    assert gateway.settle().lapsed == 1
    assert gateway.settle().lapsed == 0
    assert shop.calls() == []
    payment = only_payment()
    assert (payment.status, payment.amount_authorized, payment.reserved_until) == ("lapsed", D("0.00"), None)
    assert (order.voucher_authorized, order.voucher_due) == (D("0.00"), D("20.00"))
    assert lapsed == [("A-1001", D("20.00"))]


def test_a_hold_does_not_lapse_before_it_is_surely_dead(shop, order):
    shop.later(minutes=34)
    assert gateway.settle().lapsed == 0
    assert only_payment().status == "authorized"


def test_a_lapsed_payment_is_captured_by_one_read_and_one_new_reservation(shop, order, voucher):
    shop.later(minutes=40)
    gateway.settle()
    shop.calls()
    (payment,) = gateway.capture(order)
    assert [path.rsplit("/", 1)[-1] for _, path in shop.calls()] == ["charges", "reservations", "charge"]
    assert (payment.status, payment.amount_captured) == ("captured", D("20.00"))
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_lapsed_payment_whose_voucher_is_spent_fails_and_says_what_is_available(shop, order, voucher):
    from voucher_payment_gateway.connection import voucher_cloud
    from voucher_payment_gateway.exceptions import InsufficientBalanceError

    shop.later(minutes=60)
    gateway.settle()
    till = voucher_cloud()
    till.charge(till.reserve(code=CODE, amount=D("15.00"), currency="EUR").id, "TILL-1")
    with pytest.raises(InsufficientBalanceError) as caught:
        gateway.capture(order)
    assert caught.value.available == D("5.00")
    assert only_payment().status == "failed"


def test_a_lapsed_payment_is_held_again_with_the_rest_of_the_order(shop, order):
    shop.later(minutes=60)
    gateway.settle()
    (payment,) = gateway.authorize_selected(order)
    assert (payment.status, payment.amount_authorized) == ("authorized", D("20.00"))


def test_entering_the_code_again_revives_the_lapsed_payment(shop, order):
    first = only_payment()
    shop.later(minutes=60)
    gateway.settle()
    assert gateway.authorize(order, CODE) == first
    assert only_payment().status == "authorized"


def test_another_spelling_of_a_lapsed_voucher_is_the_same_payment(shop, order, voucher):
    first = only_payment()
    shop.later(minutes=60)
    gateway.settle()
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    assert gateway.authorize(order, CODE.lower()) == first
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_what_other_vouchers_hold_meanwhile_is_not_charged_to_the_lapsed_one(shop, order, voucher):
    shop.later(minutes=60)
    gateway.settle()
    other = shop.voucher("20.00", code="GIFT-2000-WXYZ")
    gateway.authorize(order, "GIFT-2000-WXYZ")
    gateway.capture(order)
    assert (shop.bookings(voucher), shop.bookings(other)) == ([], [("charge", D("20.00"))])


def test_a_lapsed_payment_can_be_cancelled(shop, order):
    shop.later(minutes=60)
    gateway.settle()
    gateway.cancel(order)
    assert (only_payment().status, only_payment().sealed_code) == ("cancelled", "")


def test_a_payment_whose_charge_is_unknown_does_not_lapse(shop, order):
    shop.cloud.faults.next("before:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    shop.cloud.faults.next("before:503", times=99)
    shop.later(minutes=60)
    assert gateway.settle().lapsed == 0
    assert only_payment().status == "authorized"


def test_the_code_of_a_lapsed_payment_is_erased_when_its_time_is_over(shop, order):
    shop.later(minutes=60)
    assert gateway.settle().erased == 0
    assert only_payment().sealed_code
    shop.later(hours=24)
    assert gateway.settle().erased == 1
    assert (only_payment().status, only_payment().sealed_code) == ("lapsed", "")
    with pytest.raises(WrongStateError, match="lapsed"):
        gateway.capture(order)


def test_a_code_that_was_only_selected_is_erased_when_its_time_is_over(shop, voucher, gateway_settings):
    gateway_settings(SELECTED_HOURS=2)
    order = shop.order("20.00")
    gateway.select(order, CODE)
    shop.later(minutes=119)
    assert gateway.settle().erased == 0
    shop.later(minutes=2)
    assert gateway.settle().erased == 1
    assert (only_payment().status, only_payment().sealed_code) == ("lapsed", "")


def test_the_code_of_an_open_operation_is_not_erased(shop, order):
    shop.cloud.faults.next("before:503", times=99)
    with pytest.raises(VoucherGatewayError):
        gateway.capture(order)
    shop.later(hours=25)
    assert gateway.settle().erased == 0
    assert only_payment().sealed_code


def test_many_dead_holds_lapse_in_few_statements(shop, django_assert_max_num_queries):
    gateway.settle()  # the first sweep of a database stores a row for its end
    shop.later(minutes=36)
    VoucherPayment.objects.bulk_create(
        VoucherPayment(
            order_number=f"B-{number}",
            currency="EUR",
            voucher_id=f"v-{number}",
            reservation_id=f"r-{number}",
            code_hint="ABCD",
            code_fingerprint=f"f-{number}",
            status="authorized",
            amount_agreed=D("1.00"),
            amount_authorized=D("1.00"),
            reserved_until="2020-01-01T00:00:00Z",
            reservation_dead_at="2020-01-01T00:05:00Z",
        )
        for number in range(1200)
    )
    with django_assert_max_num_queries(50):  # on PostgreSQL each step leases its rows in a transaction
        assert gateway.settle(limit=1100).lapsed == 1100
    assert VoucherPayment.objects.filter(status="lapsed").count() == 1100


def test_a_hold_whose_payment_is_to_be_cancelled_lapses_too(shop, order):
    VoucherPayment.objects.update(cancel_requested_at="2020-01-01T00:00:00Z")
    VoucherOperation.objects.create(
        payment=only_payment(),
        order_number=order.number,
        number=9,
        voucher_id=only_payment().voucher_id,
        kind="refund",
        amount=D("1.00"),
        currency="EUR",
        state="refused",
    )
    shop.later(minutes=40)
    assert gateway.settle().lapsed == 1
    assert only_payment().amount_authorized == D("0.00")


def test_a_code_whose_payment_is_being_cancelled_is_refused(shop, order):
    VoucherPayment.objects.update(cancel_requested_at="2020-01-01T00:00:00Z")
    shop.calls()
    with pytest.raises(OperationInProgressError, match="being cancelled"):
        gateway.authorize(order, CODE)
    assert gateway.authorize_selected(order)
    assert shop.calls() == []


def test_many_codes_are_erased_in_batches(shop, order, monkeypatch):
    monkeypatch.setattr(expire, "BATCH_SIZE", 2)
    other = shop.order("50.00", number="A-1002")
    for number in range(5):
        gateway.select(other, f"GIFT-2000-ABC{number}")
    shop.later(hours=25)
    with CaptureQueriesContext(connection) as queries:
        assert expire.erase_codes(4) == 4
    updates = [each["sql"] for each in queries if each["sql"].startswith("UPDATE")]
    assert len([sql for sql in updates if "sealed_code" in sql.partition("WHERE")[0]]) == 2
    assert VoucherPayment.objects.filter(order_number="A-1002").exclude(sealed_code="").count() == 1


def test_a_selected_code_that_expires_ends_its_payment(shop):
    """Whether it ends is decided by what it was, whatever the database writes first."""
    gateway.select(shop.order("50.00"), CODE)
    shop.later(hours=25)
    assert expire.erase_codes(1) == 1
    selected = VoucherPayment.objects.get()
    assert (selected.status, selected.end_reason) == ("lapsed", "expired")


def test_many_dead_holds_lapse_in_batches(shop, record_signal, monkeypatch):
    monkeypatch.setattr(expire, "BATCH_SIZE", 2)
    lapsed = record_signal("payment_lapsed")
    for number in range(5):
        shop.voucher("20.00", code=f"GIFT-2000-ABC{number}")
        gateway.authorize(shop.order("20.00", number=f"B-{number}"), f"GIFT-2000-ABC{number}")
    shop.later(minutes=36)
    VoucherPayment.objects.update(reservation_dead_at=VoucherPayment.objects.first().reservation_dead_at)
    assert gateway.settle().lapsed == 5
    assert sorted(lapsed) == [(f"B-{number}", D("20.00")) for number in range(5)]
