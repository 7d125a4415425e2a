"""Shipping charges, a payment event refunds, and a status cancels, through Oscar's own order processing."""

from decimal import Decimal as D
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from oscar.apps.order.exceptions import InvalidOrderStatus
from oscar.apps.payment.exceptions import PaymentError
from oscar.core.loading import get_class, get_model

from tests.hosts.oscar.records import sources, steps
from voucher_payment_gateway import gateway
from voucher_payment_gateway.hosts.oscar import sources as records
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


def handler():
    return get_class("order.processing", "EventHandler")()


def ship(order, *quantities):
    """Send a parcel with these quantities of the order's lines; all of them without."""
    lines = list(order.lines.order_by("pk"))
    counts = list(quantities) or [line.quantity for line in lines]
    event = get_model("order", "ShippingEventType").objects.get(name="Shipped")
    packed = [(line, count) for line, count in zip(lines, counts, strict=True) if count]
    return handler().handle_shipping_event(
        order, event, [line for line, _ in packed], [count for _, count in packed]
    )


def refund(order, amount, **kwargs):
    event = get_model("order", "PaymentEventType").objects.get(name="Refunded")
    return handler().handle_payment_event(order, event, D(amount), **kwargs)


def set_status(order, status):
    handler().handle_order_status_change(order, status)


def test_a_shipped_order_is_charged(oscar_shop):
    order, first, second = oscar_shop.ordered("20.00", "5.00", card="tok_1")

    ship(order)

    assert oscar_shop.bookings(first) == [("charge", D("20.00"))]
    assert oscar_shop.bookings(second) == [("charge", D("5.00"))]
    assert sources(order) == [(D("20.00"), D("20.00"), 0), (5, 5, 0)]
    assert steps(order) == [("Authorise", 20), ("Debit", 20), ("Authorise", 5), ("Debit", 5)]
    charge = VoucherOperation.objects.filter(kind="charge").first()
    assert (
        order.sources.get(label="…ABCD", amount_debited=20).transactions.get(txn_type="Debit").reference
        == charge.remote_id
    )
    event = order.payment_events.get()
    assert (event.event_type.name, event.amount, event.shipping_event) == (
        "Settled",
        25,
        order.shipping_events.get(),
    )


def test_a_parcel_is_charged_what_its_lines_cost(oscar_shop):
    order, voucher = oscar_shop.ordered("100.00", price="9.99", quantity=3)

    ship(order, 1)
    assert oscar_shop.bookings(voucher) == [("charge", D("9.99"))]
    assert sources(order) == [(D("29.97"), D("9.99"), 0)]
    ship(order, 2)
    assert oscar_shop.bookings(voucher) == [("charge", D("9.99")), ("charge", D("19.98"))]
    assert sources(order) == [(D("29.97"), D("29.97"), 0)]
    assert [event.amount for event in order.payment_events.order_by("pk")] == [D("9.99"), D("19.98")]


def test_the_vouchers_are_charged_first_and_no_more_than_they_hold(oscar_shop):
    order, voucher = oscar_shop.ordered("25.00", price="10.00", quantity=3, card="tok_1")

    ship(order, 2)
    assert oscar_shop.bookings(voucher) == [("charge", D("20.00"))]
    ship(order, 1)
    assert oscar_shop.bookings(voucher) == [("charge", D("20.00")), ("charge", D("5.00"))]


def test_a_parcel_whose_lines_were_sent_already_charges_nothing(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)

    with pytest.raises(get_class("order.exceptions", "InvalidShippingEvent")):
        ship(order)

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]
    assert order.shipping_events.count() == 1


def ship_and_crash(monkeypatch, order, quantity):
    """Charge a parcel, and die before its event is stored."""
    with monkeypatch.context() as patch:
        patch.setattr(get_class("order.processing", "EventHandler"), "create_shipping_event", crash)
        with pytest.raises(RuntimeError):
            ship(order, quantity)


def test_a_parcel_whose_charge_was_made_before_a_crash_is_not_charged_again(oscar_shop, monkeypatch):
    order, voucher = oscar_shop.ordered("100.00", price="10.00", quantity=3)
    ship_and_crash(monkeypatch, order, 1)

    ship(order, 1)

    assert oscar_shop.bookings(voucher) == [("charge", D("10.00"))]


def test_a_parcel_that_took_most_of_the_vouchers_ships_after_a_crash(oscar_shop, monkeypatch):
    """Less is left to charge at the repetition than the parcel costs, since it was charged already."""
    order, voucher = oscar_shop.ordered("30.00", price="10.00", quantity=3)
    ship_and_crash(monkeypatch, order, 2)

    ship(order, 2)

    assert oscar_shop.bookings(voucher) == [("charge", D("20.00"))]
    assert [event.amount for event in order.payment_events.all()] == [20]


def test_a_last_parcel_that_was_charged_before_a_crash_has_its_payment_event(oscar_shop, monkeypatch):
    order, voucher = oscar_shop.ordered("30.00")
    with monkeypatch.context() as patch:
        patch.setattr(get_class("order.processing", "EventHandler"), "create_shipping_event", crash)
        with pytest.raises(RuntimeError):
            ship(order)

    ship(order)

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]
    assert [event.amount for event in order.payment_events.all()] == [30]


@pytest.mark.parametrize("key", ["", "form-1"])
def test_a_refund_of_most_that_was_made_before_a_crash_is_not_given_back_otherwise_too(
    oscar_shop, monkeypatch, key
):
    """Less is left to refund at the repetition than its amount: that is no share of another means of payment."""
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)
    given_back_otherwise = []
    events = get_class("order.processing", "EventHandler")
    monkeypatch.setattr(events, "pay_rest", lambda *arguments: given_back_otherwise.append(arguments))
    with monkeypatch.context() as patch:
        patch.setattr(events, "create_payment_event", crash)
        with pytest.raises(RuntimeError):
            refund(order, "25.00", key=key)

    refund(order, "25.00", key=key)

    assert given_back_otherwise == []
    assert oscar_shop.bookings(voucher) == [("charge", D("30.00")), ("refund", D("25.00"))]
    assert order.payment_events.get(event_type__name="Refunded").amount == 25


def test_a_form_that_moved_another_amount_before_a_crash_moves_nothing_more(oscar_shop, monkeypatch):
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)
    given_back_otherwise = []
    events = get_class("order.processing", "EventHandler")
    monkeypatch.setattr(events, "pay_rest", lambda *arguments: given_back_otherwise.append(arguments))
    with monkeypatch.context() as patch:
        patch.setattr(events, "create_payment_event", crash)
        with pytest.raises(RuntimeError):
            refund(order, "25.00", key="form-1")

    with pytest.raises(PaymentError, match="sent before"):
        refund(order, "28.00", key="form-1")

    assert given_back_otherwise == []
    assert oscar_shop.bookings(voucher) == [("charge", D("30.00")), ("refund", D("25.00"))]


def crash(*_, **__):
    raise RuntimeError("the worker was killed")


def test_an_order_whose_voucher_was_spent_does_not_ship(oscar_shop, later):
    order, voucher = oscar_shop.ordered("30.00")
    later(minutes=50)
    oscar_shop.cloud.set_status(voucher.id, "inactive")

    with pytest.raises(PaymentError):
        ship(order)
    with pytest.raises(PaymentError, match="is not paid"):
        ship(order)

    assert not order.shipping_events.exists()
    assert VoucherPayment.objects.get().status == "failed"
    assert steps(order) == [("Authorise", 30), ("Void", 30)]


def test_a_voucher_that_a_till_has_spent_does_not_pay_a_parcel(oscar_shop):
    """The till's reservation has replaced ours, which only the Voucher Cloud knows."""
    order, voucher = oscar_shop.ordered("30.00")
    oscar_shop.spend_at_a_till("GIFT-1000-ABCD", "20.00")

    with pytest.raises(PaymentError):
        ship(order)

    assert not order.shipping_events.exists()
    assert sources(order) == [(0, 0, 0)]
    assert oscar_shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_voucher_that_a_till_has_reserved_pays_all_the_same(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    oscar_shop.cloud.reserve("GIFT-1000-ABCD", "5.00")

    ship(order)

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]
    assert sources(order) == [(30, 30, 0)]
    assert order.sources.get().reference == VoucherPayment.objects.get().reservation_id


def test_a_lost_answer_is_found_by_settle_and_listed_as_a_debit(oscar_shop, later):
    order, voucher = oscar_shop.ordered("30.00")
    oscar_shop.cloud.faults.next("after:drop", method="POST", path="*/charge")

    ship(order)  # the shop goes on: whether the money moved is found out
    assert VoucherOperation.objects.get(kind="charge").state == "unknown"
    assert sources(order) == [(30, 0, 0)]
    later(minutes=10)
    gateway.settle()

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]
    assert sources(order) == [(30, 30, 0)]
    assert steps(order) == [("Authorise", 30), ("Debit", 30)]


def test_an_order_that_was_made_smaller_is_charged_what_it_costs_now(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    type(order).objects.filter(pk=order.pk).update(total_incl_tax=D("12.00"))

    ship(order)

    assert oscar_shop.bookings(voucher) == [("charge", D("12.00"))]
    assert sources(order) == [(12, 12, 0)]
    assert steps(order) == [("Authorise", 30), ("Void", 18), ("Debit", 12)]


def test_a_part_is_refunded(oscar_shop):
    order, first, second = oscar_shop.ordered("20.00", "10.00")
    ship(order)

    event = refund(order, "12.00")

    assert (event.amount, event.event_type.name) == (12, "Refunded")
    assert oscar_shop.bookings(second) == [("charge", D("10.00")), ("refund", D("10.00"))]
    assert oscar_shop.bookings(first) == [("charge", D("20.00")), ("refund", D("2.00"))]
    assert sources(order) == [(20, 20, 2), (10, 10, 10)]


def test_a_second_click_refunds_nothing(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)
    refund(order, "8.00")

    with pytest.raises(PaymentError, match="seconds ago"):
        refund(order, "8.00")

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00")), ("refund", D("8.00"))]
    assert order.payment_events.filter(event_type__name="Refunded").count() == 1


def test_an_equal_refund_later_is_another_one(oscar_shop, settings):
    settings.VOUCHER_PAYMENT_GATEWAY_OSCAR = {"REPEAT_SECONDS": 0}
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)
    refund(order, "8.00")
    refund(order, "8.00")

    assert oscar_shop.bookings(voucher) == [
        ("charge", D("30.00")),
        ("refund", D("8.00")),
        ("refund", D("8.00")),
    ]


def test_the_key_of_a_form_is_one_refund(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)

    assert refund(order, "8.00", key="form-1") == refund(order, "8.00", key="form-1")
    refund(order, "8.00", key="form-2")

    assert oscar_shop.bookings(voucher) == [
        ("charge", D("30.00")),
        ("refund", D("8.00")),
        ("refund", D("8.00")),
    ]
    assert order.payment_events.filter(event_type__name="Refunded").count() == 2


def test_4_two_refunds_at_the_same_moment_are_one(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)
    meet, errors = Barrier(2, timeout=30), []

    def click():
        own = type(order).objects.get(pk=order.pk)
        meet.wait()
        try:
            refund(own, "12.00")
        except PaymentError as error:
            errors.append(error)
        connection.close()

    clicks = [Thread(target=click) for _ in range(2)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00")), ("refund", D("12.00"))]
    assert sources(order) == [(30, 30, 12)]
    assert [step for step in steps(order) if step[0] == "Refund"] == [("Refund", 12)]
    assert order.payment_events.filter(event_type__name="Refunded").count() == 1


def test_4_a_repeated_event_writes_no_second_transaction(oscar_shop):
    order, _ = oscar_shop.ordered("30.00")
    ship(order)
    refund(order, "5.00")
    before = steps(order)

    records.record(order.number)
    records.record(order.number)

    assert steps(order) == before == [("Authorise", 30), ("Debit", 30), ("Refund", 5)]


def test_a_parcel_that_was_refused_is_charged_once_it_is_paid_again(oscar_shop, later):
    """The clerk takes the dead voucher off, and the customer pays with another one."""
    order, voucher = oscar_shop.ordered("30.00")
    later(minutes=50)
    oscar_shop.cloud.set_status(voucher.id, "inactive")
    with pytest.raises(PaymentError):
        ship(order)
    gateway.cancel(VoucherPayment.objects.get(), refund=False)
    other = oscar_shop.voucher("30.00", "GIFT-7777-ABCD")
    gateway.authorize(order, "GIFT-7777-ABCD")

    ship(order)

    assert oscar_shop.bookings(other) == [("charge", D("30.00"))]


@pytest.mark.parametrize("amount", ["0", "-5", "NaN", "Infinity", "1.005"])
def test_an_amount_that_is_none_moves_nothing(oscar_shop, amount):
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)

    with pytest.raises(PaymentError):
        refund(order, amount)

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]


def test_the_key_of_a_form_with_another_amount_moves_nothing(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)
    refund(order, "8.00", key="form-1")

    with pytest.raises(PaymentError, match="another amount"):
        refund(order, "9.00", key="form-1")

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00")), ("refund", D("8.00"))]


def test_more_than_the_vouchers_paid_is_not_refunded_to_them(oscar_shop):
    order, voucher = oscar_shop.ordered("20.00", card="tok_1")
    ship(order)

    with pytest.raises(PaymentError, match=r"5\.00 of this are not for the gift vouchers"):
        refund(order, "25.00")

    assert oscar_shop.bookings(voucher) == [("charge", D("20.00"))]
    assert not order.payment_events.filter(event_type__name="Refunded").exists()


def test_a_refused_refund_is_told_and_creates_no_event(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)
    oscar_shop.cloud.faults.next("before:422", method="POST", path="*/refund", times=9)

    with pytest.raises(PaymentError):
        refund(order, "5.00")
    oscar_shop.cloud.faults.clear()
    assert not order.payment_events.filter(event_type__name="Refunded").exists()
    refund(order, "5.00")  # the clerk tries again

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00")), ("refund", D("5.00"))]


def test_4_a_cancelled_order_is_void(oscar_shop):
    order, first, second = oscar_shop.ordered("20.00", "10.00")

    set_status(order, "Cancelled")

    assert oscar_shop.bookings(first) == oscar_shop.bookings(second) == []
    assert sources(order) == [(0, 0, 0), (0, 0, 0)]
    assert steps(order) == [("Authorise", 20), ("Void", 20), ("Authorise", 10), ("Void", 10)]


def test_a_charged_order_that_is_cancelled_is_refunded(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    ship(order)

    set_status(order, "Cancelled")

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00")), ("refund", D("30.00"))]
    assert sources(order) == [(30, 30, 30)]


def test_5_a_status_that_cannot_follow_moves_no_money(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    set_status(order, "Being processed")
    set_status(order, "Complete")
    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]

    with pytest.raises(InvalidOrderStatus):
        set_status(order, "Cancelled")

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]
    order.refresh_from_db()
    assert order.status == "Complete"


def test_5_a_page_that_shows_an_old_status_moves_no_money(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")
    seen = type(order).objects.get(pk=order.pk)
    set_status(order, "Being processed")
    set_status(order, "Complete")

    with pytest.raises(InvalidOrderStatus):
        set_status(seen, "Cancelled")

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]
    order.refresh_from_db()
    assert order.status == "Complete"


def test_5_a_status_whose_charge_is_refused_is_not_set(oscar_shop, later):
    order, voucher = oscar_shop.ordered("30.00")
    set_status(order, "Being processed")
    later(minutes=50)
    oscar_shop.cloud.set_status(voucher.id, "inactive")

    with pytest.raises(PaymentError):
        set_status(order, "Complete")

    order.refresh_from_db()
    assert order.status == "Being processed"


@pytest.mark.parametrize("act", [ship, lambda order: set_status(order, "Cancelled")])
def test_6_a_transaction_of_the_host_that_is_rolled_back_moves_no_money(oscar_shop, act):
    order, _ = oscar_shop.ordered("30.00")
    oscar_shop.cloud.forget_requests()

    with pytest.raises(RuntimeError), transaction.atomic():
        act(order)
        raise RuntimeError("something else failed")

    assert [call.path for call in oscar_shop.cloud.requests if call.method != "GET"] == []
    assert VoucherPayment.objects.get().status == "authorized"
    assert steps(order) == [("Authorise", 30)]


def test_a_transaction_of_the_host_that_is_committed_moves_it_then(oscar_shop):
    order, voucher = oscar_shop.ordered("30.00")

    with transaction.atomic():
        ship(order)
        assert oscar_shop.bookings(voucher) == []

    assert oscar_shop.bookings(voucher) == [("charge", D("30.00"))]
    assert steps(order) == [("Authorise", 30), ("Debit", 30)]


def test_an_order_without_vouchers_is_left_to_oscar(oscar_shop):
    order, *_ = oscar_shop.ordered(card="tok_1")
    oscar_shop.cloud.forget_requests()

    ship(order)
    refund(order, "30.00")
    refund(order, "30.00")
    set_status(order, "Cancelled")

    assert oscar_shop.cloud.requests == []
    assert sources(order) == []


def test_reconcile_tells_an_order_row_that_is_gone(oscar_shop, later):
    from datetime import timedelta

    from django.utils import timezone

    order, _ = oscar_shop.ordered("30.00")
    ship(order)
    number = order.number
    later(minutes=5)
    forget(order)
    now = timezone.now()
    rows = gateway.reconcile(now - timedelta(days=3), now + timedelta(days=1))
    assert [(row.kind, row.order_number) for row in rows] == [("order_gone", number)]


def forget(order):
    """Change the number behind Django's back: there is no order of that number any more."""
    type(order).objects.filter(pk=order.pk).update(number="gone")
