"""The total counts when the money moves: a charge written in a transaction follows the order as it is committed."""

import logging
from decimal import Decimal as D

import pytest
from django.db import connection, transaction
from django.db.models import F

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.orders import OrderFacts

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def voucher(shop):
    return shop.voucher("60.00")


@pytest.fixture
def order(shop, voucher):
    """An order of 50.00, held with a voucher of 60.00."""
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    return order


def set_total(order, total, **fields):
    for name, value in {"total": D(total), **fields}.items():
        setattr(order, name, value)
    order.save()


def charges():
    found = VoucherOperation.objects.filter(kind="charge").order_by("number")
    return [(each.amount, each.state, each.error_code) for each in found]


def payment():
    return VoucherPayment.objects.get()


def test_an_order_that_became_smaller_in_the_transaction_is_charged_less(shop, order, voucher):
    with transaction.atomic():
        gateway.capture(order)
        set_total(order, "30.00")
    assert shop.bookings(voucher) == [("charge", D("30.00"))]
    assert charges() == [(D("50.00"), "not_applied", "order_changed"), (D("30.00"), "succeeded", "")]
    assert (order.voucher_captured, order.voucher_due) == (D("30.00"), D("0.00"))


def test_an_order_that_was_changed_before_the_call_and_is_saved_after_it(shop, order, voucher):
    with transaction.atomic():
        order.total = D("40.00")
        gateway.capture(order)
        set_total(order, "30.00")
    assert shop.bookings(voucher) == [("charge", D("30.00"))]


def test_an_order_that_became_larger_is_charged_what_the_customer_agreed_to(shop, order, voucher):
    with transaction.atomic():
        set_total(order, "30.00")
        gateway.capture(order)
        set_total(order, "70.00")
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
    assert order.voucher_due == D("20.00")


def test_a_part_that_the_caller_named_is_not_raised(shop, order, voucher):
    with transaction.atomic():
        gateway.capture(order, "10.00")
        set_total(order, "70.00")
    assert shop.bookings(voucher) == [("charge", D("10.00"))]


def test_a_part_that_the_caller_named_is_lowered_to_what_the_order_costs(shop, order, voucher):
    with transaction.atomic():
        gateway.capture(order, "40.00", reason="first parcel")
        set_total(order, "15.00")
    assert shop.bookings(voucher) == [("charge", D("15.00"))]
    charge = VoucherOperation.objects.get(state="succeeded", kind="charge")
    assert (charge.amount_asked, charge.reason) == (D("40.00"), "first parcel")


def test_an_order_that_costs_nothing_any_more_is_not_charged_and_keeps_its_hold(shop, order, voucher, caplog):
    with transaction.atomic():
        gateway.capture(order)
        set_total(order, "0.00")
    shop.calls()
    assert shop.bookings(voucher) == []
    assert charges() == [(D("50.00"), "not_applied", "order_changed")]
    assert (payment().status, payment().amount_authorized) == ("authorized", D("50.00"))
    assert "A-1001 was changed" in caplog.text
    set_total(order, "50.00")
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_an_order_that_is_in_another_currency_now_is_not_charged(shop, order, voucher, caplog):
    with transaction.atomic():
        gateway.capture(order)
        set_total(order, "50.00", currency="CHF")
    assert shop.bookings(voucher) == []
    assert charges() == [(D("50.00"), "not_applied", "order_changed")]
    assert "A-1001 was changed" in caplog.text


def test_an_order_that_is_as_it_was_costs_one_call(shop, order, voucher):
    shop.calls()
    with transaction.atomic():
        gateway.capture(order)
        set_total(order, "50.00", note="by bicycle")
    assert [path.rsplit("/")[-1] for _, path in shop.calls()] == ["charge"]
    assert charges() == [(D("50.00"), "succeeded", "")]


@pytest.fixture
def two(shop):
    """An order of 50.00, held with a voucher of 30.00 and one of 20.00."""
    order = shop.order("50.00")
    for amount, code in [("30.00", "GIFT-A"), ("20.00", "GIFT-B")]:
        gateway.authorize(order, shop.voucher(amount, code=code).code)
    return order


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        ("50.00", ["30.00", "20.00"]),
        ("40.00", ["30.00", "10.00"]),
        ("30.00", ["30.00"]),
        ("10.00", ["10.00"]),
        ("65.00", ["30.00", "20.00"]),
    ],
)
def test_earlier_vouchers_are_charged_first(shop, two, total, expected):
    with transaction.atomic():
        gateway.capture(two)
        set_total(two, total)
    booked = [amount for voucher in shop.vouchers for _, amount in shop.bookings(voucher)]
    assert booked == [D(amount) for amount in expected]


def test_a_part_over_two_vouchers_is_lowered_from_the_last_one_on(shop, two):
    with transaction.atomic():
        gateway.capture(two, "40.00")
        set_total(two, "35.00")
    booked = [amount for voucher in shop.vouchers for _, amount in shop.bookings(voucher)]
    assert booked == [D("30.00"), D("5.00")]


def test_more_held_than_the_order_costs_changes_nothing(shop, two):
    set_total(two, "25.00")
    with transaction.atomic():
        gateway.capture(two)
    assert charges() == [(D("25.00"), "succeeded", "")]


def test_a_single_payment_leaves_the_others_their_holds(shop, two):
    second = VoucherPayment.objects.order_by("pk").last()
    with transaction.atomic():
        gateway.capture(second)
        set_total(two, "45.00")
    assert shop.bookings(shop.vouchers[1]) == [("charge", D("15.00"))]
    gateway.capture(two)
    assert (two.voucher_captured, shop.bookings(shop.vouchers[0])) == (D("45.00"), [("charge", D("30.00"))])


def test_settle_sends_what_the_order_costs_where_a_crash_kept_the_commit_hook_from_running(
    shop, order, voucher, monkeypatch
):
    with monkeypatch.context() as crash:
        crash.setattr(connection, "run_and_clear_commit_hooks", lambda: connection.run_on_commit.clear())
        with transaction.atomic():
            gateway.capture(order)
    set_total(order, "30.00")
    assert charges() == [(D("50.00"), "due", "")]
    shop.later(minutes=2)
    gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("30.00"))]


def test_settle_follows_the_order_where_the_voucher_cloud_could_not_be_reached(shop, order, voucher):
    shop.cloud.faults.next("before:503", path="*/charge")
    with transaction.atomic():
        gateway.capture(order)
    set_total(order, "30.00")
    shop.later(minutes=2)
    assert gateway.settle().sent == 1
    assert shop.bookings(voucher) == [("charge", D("30.00"))]
    shop.later(hours=3)
    assert gateway.settle().reviews == 0


def test_a_charge_that_may_have_been_booked_keeps_its_amount(shop, order, voucher):
    shop.cloud.faults.next("after:drop", path="*/charge")
    with transaction.atomic():
        gateway.capture(order)
    set_total(order, "30.00")
    shop.later(minutes=5)
    gateway.settle()
    assert charges() == [(D("50.00"), "succeeded", "")]


def test_what_follows_a_charge_that_settle_found_refused_follows_the_order(shop, order, voucher):
    shop.cloud.faults.next("before:drop", path="*/charge")
    with transaction.atomic():
        gateway.capture(order)
    set_total(order, "30.00")
    shop.cloud.faults.next("before:404", path="*/charge")
    for _ in range(6):
        shop.later(minutes=10)
        gateway.settle()
    assert charges() == [
        (D("50.00"), "refused", "reservation_closed"),
        (D("50.00"), "not_applied", "order_changed"),
        (D("30.00"), "succeeded", ""),
    ]


def test_an_order_that_cannot_be_read_moves_no_money_and_is_told_once(shop, order, voucher, reviews, caplog):
    with transaction.atomic():
        gateway.capture(order)
        Order.objects.update(currency="")
    assert charges() == [(D("50.00"), "due", "currency_malformed")]
    for _ in range(3):
        shop.later(hours=2)
        gateway.settle()
    assert (shop.bookings(voucher), reviews) == ([], [D("50.00")])
    Order.objects.update(currency="EUR", total=F("total") - 20)
    shop.later(hours=2)
    gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("30.00"))]


def test_an_order_that_is_not_among_the_shops_orders_is_charged_as_planned(shop, voucher):
    facts = OrderFacts("ELSEWHERE-1", D("50.00"), "EUR")
    gateway.authorize(facts, CODE)
    with transaction.atomic():
        gateway.capture(facts)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_outside_of_a_transaction_the_order_that_was_given_counts(shop, order, voucher):
    order.total = D("30.00")  # saved later, or never
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("30.00"))]


def test_a_refused_charge_is_repeated_for_the_order_that_was_given(shop, order, voucher):
    order.total = D("50.00")
    Order.objects.update(total=D("30.00"))
    shop.cloud.faults.next("before:404", path="*/charge")
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_a_charge_that_another_worker_sends_meanwhile_is_not_made_twice(shop, order, voucher, monkeypatch):
    from voucher_payment_gateway.gateway.operations import replan

    read, done = replan.facts_by_number, []

    def send_meanwhile(number):
        facts = read(number)
        if not done:
            done.append(True)
            shop.later(minutes=2)
            gateway.settle()
        return facts

    monkeypatch.setattr(replan, "facts_by_number", send_meanwhile)
    with transaction.atomic():
        gateway.capture(order)
        set_total(order, "30.00")
    assert shop.bookings(voucher) == [("charge", D("30.00"))]


def test_a_charge_written_meanwhile_takes_the_number_and_the_plan_is_made_again(
    shop, order, voucher, monkeypatch
):
    from voucher_payment_gateway.gateway.operations import replan

    read, done = replan.read_order, []

    def reserve_meanwhile(number):
        view = read(number)
        if not done:
            done.append(True)
            gateway.authorize(order, shop.voucher("20.00", code="GIFT-B").code)
        return view

    monkeypatch.setattr(replan, "read_order", reserve_meanwhile)
    with transaction.atomic():
        gateway.capture(order)
        set_total(order, "30.00")
        Order.objects.update(total=D("30.00"))
        order.total = D("60.00")
    assert shop.bookings(voucher) == [("charge", D("30.00"))]
    numbers = VoucherOperation.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, len(numbers) + 1))


# What is held


def test_a_voucher_entered_in_the_transaction_holds_what_the_order_costs_after_it(shop, voucher):
    order = shop.order("30.00")
    with transaction.atomic():
        gateway.authorize(order, CODE)
        set_total(order, "50.00")
    assert order.voucher_authorized == D("50.00")


def test_vouchers_confirmed_in_the_transaction_hold_what_the_order_costs_after_it(shop, voucher):
    order = shop.order("30.00")
    gateway.select(order, CODE)
    with transaction.atomic():
        gateway.authorize_selected(order)
        set_total(order, "50.00")
    assert (order.voucher_authorized, order.voucher_due) == (D("50.00"), D("0.00"))


def test_less_is_held_where_the_order_became_smaller(shop, order, voucher):
    with transaction.atomic():
        gateway.authorize_selected(order)
        set_total(order, "30.00")
    assert order.voucher_authorized == D("30.00")


def test_nothing_is_sent_where_the_order_is_as_it_was(shop, order):
    shop.calls()
    with transaction.atomic():
        gateway.authorize_selected(order)
        set_total(order, "50.00", note="by bicycle")
    assert shop.calls() == []


def test_a_limit_given_for_a_voucher_that_holds_that_amount_already_is_kept(shop, order, voucher):
    set_total(order, "70.00")
    shop.calls()
    gateway.authorize(order, CODE, amount="50.00")
    assert shop.calls() == []
    gateway.authorize_selected(order)
    assert (payment().amount_authorized, payment().amount_limit) == (D("50.00"), D("50.00"))


def test_trouble_after_the_commit_is_logged_and_the_hold_stays(shop, order, caplog):
    with transaction.atomic():
        gateway.authorize_selected(order)
        set_total(order, "55.00")
        shop.cloud.faults.next("before:503", path="*/reservations", times=9)
    assert order.voucher_authorized == D("50.00")
    outage, ours = [each for each in caplog.records if each.name == "voucher_payment_gateway"]
    assert (outage.levelno, ours.levelno) == (logging.WARNING, logging.WARNING)
    assert "does not answer" in outage.getMessage()
    assert "could not be held again" in ours.getMessage()


@pytest.fixture
def at_confirmation(gateway_settings):
    """A shop whose orders are charged when they are confirmed."""
    statuses = {"field": "status", "authorize": ["confirmed"]}
    gateway_settings(ON_STATUS=statuses, CAPTURE="immediate")


def confirm_then_set_total(order, total):
    """As Django's admin does: the order is saved with its status, and its total follows after its lines."""
    with transaction.atomic():
        order.status = "confirmed"
        order.save()
        set_total(order, total)


@pytest.mark.parametrize(
    ("total", "charged"), [("55.00", "55.00"), ("60.00", "60.00"), ("75.00", "60.00"), ("20.00", "20.00")]
)
def test_an_order_charged_at_its_confirmation_is_charged_what_it_costs_after_the_commit(
    shop, order, voucher, at_confirmation, total, charged
):
    confirm_then_set_total(order, total)
    assert shop.bookings(voucher) == [("charge", D(charged))]
    assert (order.voucher_captured, order.voucher_due) == (D(charged), D(total) - D(charged))
    assert payment().amount_agreed == D(charged)


def test_an_order_charged_at_its_confirmation_takes_more_of_its_second_voucher(
    shop, order, voucher, at_confirmation
):
    second = shop.voucher("40.00", code="GIFT-B")
    set_total(order, "70.00")
    gateway.authorize(order, CODE, amount="50.00")
    gateway.authorize(order, "GIFT-B")
    confirm_then_set_total(order, "85.00")
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
    assert shop.bookings(second) == [("charge", D("35.00"))]


def test_where_more_cannot_be_held_after_the_commit_what_was_agreed_is_charged(
    shop, order, voucher, at_confirmation
):
    with transaction.atomic():
        order.status = "confirmed"
        order.save()
        set_total(order, "55.00")
        shop.cloud.faults.next("before:503", path="*/reservations", times=9)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
    assert (order.voucher_captured, order.voucher_due) == (D("50.00"), D("5.00"))


def test_a_charge_that_was_sent_is_not_followed_by_a_larger_hold(shop, order, voucher, at_confirmation):
    with transaction.atomic():
        order.status = "confirmed"
        order.save()
        VoucherOperation.objects.filter(kind="charge").update(attempts=1)
        set_total(order, "55.00")
    assert payment().amount_agreed == D("50.00")
