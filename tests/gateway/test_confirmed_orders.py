"""An order from its confirmation to its shipment: a confirmed payment covers it until the Voucher Cloud says no."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.shop import signals as events
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    OperationInProgressError,
    OutcomeUnknownError,
    UnavailableError,
    WrongStateError,
)
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-5000-ABCD"


@pytest.fixture
def voucher(shop):
    return shop.voucher("50.00", code=CODE)


@pytest.fixture
def order(shop, voucher, gateway_settings):
    """An order of 50.00, confirmed by the event with a voucher of 50.00."""
    gateway_settings(
        EVENTS={"authorize": "tests.shop.signals.confirmed", "capture": "tests.shop.signals.shipped"}
    )
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    events.confirmed.send(sender=None, order=order)
    return order


def payment_of(order):
    return VoucherPayment.objects.get(order_number=order.number)


def spend_at_a_till(amount="50.00"):
    till = voucher_cloud()
    till.charge(till.reserve(code=CODE, amount=D(amount), currency="EUR").id, "TILL-1")


def settle_after(shop, hours):
    """Let the time pass as it does in a shop, with a sweep in between."""
    for _ in range(4):
        shop.later(hours=hours / 4)
        gateway.settle()


def test_the_confirmation_is_written_on_the_payment(order):
    payment = payment_of(order)
    assert payment.confirmed_at is not None
    assert (payment.status, payment.amount_agreed) == ("authorized", D("50.00"))


def test_an_order_that_ships_after_25_hours_is_paid(shop, order, voucher):
    settle_after(shop, 25)
    events.shipped.send(sender=None, order=order)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_with_renewals_it_is_paid_after_30_hours_and_has_one_reservation_id(
    shop, order, voucher, gateway_settings
):
    gateway_settings(RENEW_HOLDS=True)
    for _ in range(90):
        shop.later(minutes=20)
        gateway.settle()
    assert payment_of(order).status == "authorized"
    events.shipped.send(sender=None, order=order)
    order.refresh_from_db()
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
    assert order.voucher_reservation_ids == [payment_of(order).reservation_id]


def test_a_confirmed_order_is_covered_after_its_reservation_has_ended(shop, order, record_signal):
    lapsed = record_signal("payment_lapsed")
    settle_after(shop, 1)
    cover = gateway.cover(order)
    assert (order.voucher_due, cover.due, cover.agreed, cover.held) == (0, 0, D("50.00"), 0)
    assert not cover.is_firm
    assert lapsed == []


def test_shipping_asks_no_other_voucher_for_an_amount_that_is_agreed(shop, order, voucher):
    settle_after(shop, 1)
    other = shop.voucher("50.00", code="GIFT-5000-WXYZ")
    with pytest.raises(Exception, match="nothing is due"):
        gateway.authorize(order, "GIFT-5000-WXYZ")
    events.shipped.send(sender=None, order=order)
    assert (shop.bookings(voucher), shop.bookings(other)) == ([("charge", D("50.00"))], [])


def test_a_voucher_that_a_till_emptied_is_told_when_the_order_ships(shop, order, voucher, record_signal):
    failed = record_signal("payment_failed")
    settle_after(shop, 25)
    spend_at_a_till()
    with pytest.raises(WrongStateError) as caught:
        events.shipped.send(sender=None, order=order)
    assert caught.value.code == "not_paid"
    assert payment_of(order).status == "failed"
    assert failed == [("A-1001", D("50.00"))]
    assert order.voucher_due == D("50.00")
    with pytest.raises(WrongStateError) as caught:
        events.shipped.send(sender=None, order=order)
    assert caught.value.code == "not_paid"
    assert failed == [("A-1001", D("50.00"))]
    assert list(VoucherPayment.objects.all().needing_attention()) == [payment_of(order)]


def test_a_failed_payment_that_was_taken_off_does_not_keep_the_order_from_shipping(shop, order):
    settle_after(shop, 25)
    spend_at_a_till()
    with pytest.raises(WrongStateError):
        events.shipped.send(sender=None, order=order)
    gateway.cancel(order)
    assert payment_of(order).status == "cancelled"
    events.shipped.send(sender=None, order=order)
    assert not VoucherPayment.objects.all().needing_attention().exists()


def test_a_failed_payment_whose_amount_another_voucher_pays_does_not_keep_the_order_from_shipping(
    shop, order
):
    settle_after(shop, 25)
    spend_at_a_till()
    with pytest.raises(WrongStateError):
        events.shipped.send(sender=None, order=order)
    other = shop.voucher("50.00", code="GIFT-5000-WXYZ")
    gateway.authorize(order, "GIFT-5000-WXYZ")
    events.shipped.send(sender=None, order=order)
    assert shop.bookings(other) == [("charge", D("50.00"))]


def test_after_the_confirmed_days_it_has_lapsed_for_good_and_is_told(shop, order, voucher, record_signal):
    lapsed, failed = record_signal("payment_lapsed"), record_signal("payment_failed")
    shop.later(days=31)
    gateway.settle()
    gateway.settle()
    assert lapsed == [("A-1001", D("50.00"))]
    assert (payment_of(order).status, payment_of(order).sealed_code) == ("lapsed", "")
    assert order.voucher_due == D("50.00")
    with pytest.raises(WrongStateError) as caught:
        events.shipped.send(sender=None, order=order)
    assert caught.value.code == "not_paid"
    assert (shop.bookings(voucher), failed) == ([], [])
    assert list(VoucherPayment.objects.all().needing_attention()) == [payment_of(order)]


def test_the_confirmed_days_are_a_setting(shop, order, gateway_settings):
    gateway_settings(CONFIRMED_DAYS=2)
    gateway.cancel(order)
    gateway.authorize(order, CODE)
    events.confirmed.send(sender=None, order=order)
    shop.later(days=1, hours=23)
    gateway.settle()
    assert order.voucher_due == 0
    shop.later(hours=2)
    gateway.settle()
    assert order.voucher_due == D("50.00")


def test_by_status_an_unpaid_order_is_logged_and_told_once(
    shop, order, gateway_settings, record_signal, caplog
):
    gateway_settings(EVENTS={}, ON_STATUS={"field": "status", "capture": ["shipped"]})
    failed = record_signal("payment_failed")
    shop.later(days=31)
    gateway.settle()
    for _ in range(2):
        order.status = "shipped"
        order.save()
    assert failed == [("A-1001", D("50.00"))]
    assert payment_of(order).status == "failed"
    assert [record.levelname for record in caplog.records if "is not paid" in record.message] == ["ERROR"] * 2
    assert list(VoucherPayment.objects.all().needing_attention()) == [payment_of(order)]


def test_by_status_a_refusal_while_shipping_is_told_too(shop, order, gateway_settings, record_signal, caplog):
    gateway_settings(EVENTS={}, ON_STATUS={"field": "status", "capture": ["shipped"]})
    failed = record_signal("payment_failed")
    settle_after(shop, 25)
    spend_at_a_till()
    order.status = "shipped"
    order.save()
    assert failed == [("A-1001", D("50.00"))]
    assert any(record.levelname == "ERROR" for record in caplog.records)


def test_by_status_what_can_be_charged_is_charged(shop, order, voucher, gateway_settings):
    gateway_settings(EVENTS={"authorize": "tests.shop.signals.confirmed"})
    other = shop.voucher("20.00", code="GIFT-2000-WXYZ")
    order.total = D("70.00")
    order.save()
    gateway.authorize(order, "GIFT-2000-WXYZ")
    events.confirmed.send(sender=None, order=order)
    shop.later(hours=25)
    spend_at_a_till()
    gateway_settings(EVENTS={}, ON_STATUS={"field": "status", "capture": ["shipped"]})
    order.status = "shipped"
    order.save()
    assert shop.bookings(other) == [("charge", D("20.00"))]


def test_a_renewal_that_is_refused_is_the_evidence_that_it_cannot_be_paid(
    shop, order, gateway_settings, record_signal
):
    gateway_settings(RENEW_HOLDS=True)
    failed = record_signal("payment_failed")
    spend_at_a_till()
    shop.later(minutes=21)
    gateway.settle()
    assert (failed, order.voucher_due) == ([], 0)
    for _ in range(3):
        shop.later(minutes=20)
        gateway.settle()
    assert failed == [("A-1001", D("50.00"))]
    assert order.voucher_due == D("50.00")


def test_an_outage_longer_than_the_reservation_does_not_end_the_renewals(shop, order, gateway_settings):
    gateway_settings(RENEW_HOLDS=True)
    shop.later(hours=3)
    gateway.settle()
    gateway.settle()
    assert payment_of(order).status == "authorized"
    assert gateway.cover(order).is_firm


def test_a_confirmed_payment_without_a_stored_code_ends_with_its_reservation(
    shop, voucher, gateway_settings, record_signal
):
    gateway_settings(SEALING_KEYS=[], EVENTS={"authorize": "tests.shop.signals.confirmed"})
    lapsed = record_signal("payment_lapsed")
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    events.confirmed.send(sender=None, order=order)
    assert order.voucher_due == 0
    shop.later(minutes=36)
    gateway.settle()
    assert lapsed == [("A-1001", D("50.00"))]
    assert order.voucher_due == D("50.00")


def test_the_rest_of_a_first_parcel_stays_agreed(shop, order, voucher):
    gateway.capture(order, "20.00")
    shop.later(days=5)
    gateway.settle()
    assert gateway.cover(order).agreed == D("30.00")
    assert order.voucher_due == 0
    gateway.capture(order, "30.00")
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("charge", D("30.00"))]


def test_a_voucher_that_the_order_needs_no_longer_at_its_confirmation_is_let_go(shop, order):
    shop.later(hours=1)
    gateway.settle()
    order.total = D("0.00")
    order.save()
    events.confirmed.send(sender=None, order=order)
    assert gateway.cover(order).agreed == 0
    assert payment_of(order).confirmed_at is None


def test_an_event_that_comes_twice_confirms_once(shop, order, django_assert_num_queries):
    confirmed_at = payment_of(order).confirmed_at
    shop.calls()
    with django_assert_num_queries(1):
        events.confirmed.send(sender=None, order=order)
    assert payment_of(order).confirmed_at == confirmed_at
    assert shop.calls() == []


def test_an_order_that_was_never_confirmed_is_told_after_its_reservation(shop, voucher, record_signal):
    lapsed = record_signal("payment_lapsed")
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    shop.later(minutes=36)
    gateway.settle()
    assert lapsed == [("A-1001", D("50.00"))]
    assert order.voucher_due == D("50.00")


def test_the_error_of_the_verb_says_what_to_do(shop, order):
    settle_after(shop, 25)
    spend_at_a_till()
    with pytest.raises(InsufficientBalanceError):
        gateway.capture(order)
    with pytest.raises(WrongStateError, match=r"50\.00 EUR .*gateway\.cancel\(payment, refund=False\)"):
        gateway.capture(order)


def test_a_basket_is_held_again_without_being_confirmed(shop, voucher, record_signal):
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    order.total = D("30.00")
    order.save()
    gateway.authorize_selected(order, confirm=False)
    payment = payment_of(order)
    assert (payment.amount_authorized, payment.confirmed_at) == (D("30.00"), None)


def test_a_shipment_without_an_amount_charges_the_rest_of_a_confirmed_order(shop, order, voucher):
    gateway.capture(order, "20.00")
    shop.later(days=2)
    gateway.settle()
    events.shipped.send(sender=None, order=order)
    events.shipped.send(sender=None, order=order)
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("charge", D("30.00"))]


def test_the_rest_of_an_order_that_became_cheaper_is_not_charged(shop, order, voucher):
    order.total = D("30.00")
    order.save()
    for _ in range(2):
        events.shipped.send(sender=None, order=order)
    assert shop.bookings(voucher) == [("charge", D("30.00"))]


def test_a_code_that_is_entered_again_after_the_confirmed_days_is_kept_as_long_again(shop, order, voucher):
    shop.later(days=31)
    gateway.settle()
    gateway.authorize(order, CODE)
    shop.later(days=20)
    gateway.settle()
    assert order.voucher_due == 0
    events.shipped.send(sender=None, order=order)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_the_rest_is_charged_with_a_part_of_the_same_transaction(order, voucher, shop):
    with transaction.atomic():
        gateway.capture(order, "10.00")
        gateway.capture(order)
    gateway.settle()
    assert order.voucher_captured == D("50.00")


def test_the_rest_is_charged_by_a_call_that_goes_on_with_a_part_that_was_not_sent(shop, order, voucher):
    shop.cloud.faults.next("before:503", path="*/charge", times=None)
    with pytest.raises(UnavailableError):
        gateway.capture(order, "10.00")
    shop.cloud.faults.clear()
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("10.00")), ("charge", D("40.00"))]


def test_a_confirmation_while_a_part_is_in_flight_agrees_to_no_more_than_the_order_costs(shop):
    voucher, order = shop.voucher("60.00", code=CODE), shop.order("50.00")
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order, "20.00")
    order.total = D("30.00")
    order.save()
    gateway.authorize_selected(order)
    payment = VoucherPayment.objects.get()
    assert (payment.confirmed_at is not None, payment.amount_agreed) == (True, D("30.00"))
    shop.later(minutes=40)
    gateway.settle()
    gateway.capture(order)
    assert [amount for _, amount in shop.bookings(voucher)] == [D("20.00"), D("10.00")]


def test_a_voucher_that_is_being_charged_for_an_order_that_holds_it_no_more_is_not_promised(shop):
    """Another order took the hold over, then the outcome of the charge could not be written."""
    shop.voucher("15.00", code=CODE)
    paying, other = shop.order("10.00", number="A-1"), shop.order("15.00", number="A-2")
    gateway.authorize(paying, CODE)
    shop.cloud.faults.next("before:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(paying)
    VoucherPayment.objects.filter(order_number="A-1").update(
        status="lapsed", amount_authorized=0, reserved_until=None, reservation_dead_at=None
    )
    gateway.select(other, CODE)
    with pytest.raises(OperationInProgressError) as caught:
        gateway.authorize_selected(other)
    assert caught.value.code == "voucher_being_charged"
