"""Two orders of a shop and one voucher: what a confirmed order counts on is not given to another one."""

import threading
from contextlib import suppress
from decimal import Decimal as D

import pytest
from django.db import connection

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    VoucherGatewayError,
    VoucherUnusableError,
)
from voucher_payment_gateway.gateway.verbs import authorize_selected as confirmation
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-8000-ABCD"


@pytest.fixture
def two_orders(shop):
    """Return a function that makes a voucher and two orders of 50.00, of which the first is confirmed."""

    def make(balance, **fields):
        voucher = shop.voucher(balance, code=CODE, **fields)
        first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
        gateway.authorize(first, CODE, pin=fields.get("pin", ""))
        gateway.authorize_selected(first)
        shop.calls()
        return voucher, first, second

    return make


def payment_of(order):
    return VoucherPayment.objects.get(order_number=order.number)


def test_a_voucher_that_a_confirmed_order_needs_is_refused_and_its_hold_still_stands(shop, two_orders):
    voucher, first, second = two_orders("50.00")
    with pytest.raises(InsufficientBalanceError) as caught:
        gateway.authorize(second, CODE)
    assert caught.value.code == "promised_elsewhere"
    assert shop.calls() == [("GET", f"/v1/vouchers/{voucher.id}")]
    assert gateway.cover(first).is_firm
    gateway.capture(first)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_the_refusal_holds_hours_later_too(shop, two_orders):
    voucher, first, second = two_orders("50.00")
    shop.later(hours=30)
    gateway.settle()
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize(second, CODE)
    gateway.capture(first)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_another_order_gets_what_is_left_and_both_are_captured(shop, two_orders, record_signal):
    lapsed = record_signal("payment_lapsed")
    voucher, first, second = two_orders("80.00")
    assert gateway.authorize(second, CODE).amount_authorized == D("30.00")
    gateway.authorize_selected(second)
    assert (first.voucher_due, second.voucher_due) == (D("0.00"), D("20.00"))
    shop.later(hours=3)
    gateway.settle()
    gateway.capture(first)
    gateway.capture(second)
    assert sorted(amount for _, amount in shop.bookings(voucher)) == [D("30.00"), D("50.00")]
    assert lapsed == []


@pytest.mark.parametrize("lowers", [True, False])
def test_it_is_so_whether_open_reservations_lower_the_balance_or_not(
    shop, two_orders, gateway_settings, lowers
):
    shop.cloud.behaviour = shop.cloud.behaviour.but(open_reservation_lowers_balance=lowers)
    gateway_settings(API_BEHAVIOUR={"open_reservation_lowers_balance": lowers})
    _, _, second = two_orders("80.00")
    assert gateway.authorize(second, CODE).amount_authorized == D("30.00")


def test_a_selected_voucher_is_limited_and_refused_in_the_same_way(shop, two_orders):
    _, first, second = two_orders("50.00")
    gateway.select(second, CODE)
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize_selected(second)
    assert payment_of(second).status == "failed"
    assert gateway.cover(first).is_firm


def test_an_order_that_holds_the_voucher_when_another_is_confirmed_is_refused_at_its_own_confirmation(shop):
    voucher = shop.voucher("50.00", code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    gateway.authorize(first, CODE)
    gateway.authorize(second, CODE)  # takes the hold over: the first is not confirmed
    assert payment_of(first).status == "lapsed"
    gateway.authorize_selected(first)
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize_selected(second)
    assert (first.voucher_due, second.voucher_due) == (0, D("50.00"))
    gateway.capture(first)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_an_order_that_holds_more_than_is_left_holds_less_after_its_confirmation(shop):
    shop.voucher("80.00", code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    gateway.authorize(second, CODE)
    gateway.select(first, CODE)
    gateway.authorize_selected(first)
    VoucherPayment.objects.filter(order_number="A-1002").update(
        status="authorized", amount_authorized="50.00", reserved_until="2999-01-01T00:00:00Z", ended_at=None
    )
    gateway.authorize_selected(second)
    assert payment_of(second).amount_authorized == payment_of(second).amount_agreed == D("30.00")


def test_an_order_that_is_not_confirmed_is_taken_over_and_told(shop, record_signal):
    lapsed = record_signal("payment_lapsed")
    shop.voucher("50.00", code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    gateway.authorize(first, CODE)
    gateway.authorize(second, CODE)
    assert lapsed == [("A-1001", D("50.00"))]
    assert (payment_of(first).status, payment_of(first).end_reason) == ("lapsed", "taken_over")


@pytest.mark.parametrize(("balance", "captured"), [("50.00", "0.00"), ("70.00", "0.00"), ("100.00", "50.00")])
def test_a_capture_of_an_order_that_is_not_confirmed_leaves_what_a_confirmed_one_counts_on(
    shop, record_signal, balance, captured
):
    """Its reservation was taken over, but its code is still stored."""
    voucher = shop.voucher(balance, code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    gateway.authorize(first, CODE)
    gateway.authorize(second, CODE)
    gateway.authorize_selected(second)
    failed = record_signal("payment_failed")
    with suppress(InsufficientBalanceError):
        gateway.capture(first)
    assert failed == ([] if D(captured) else [("A-1001", D("50.00"))])
    gateway.capture(second)
    assert (first.voucher_captured, second.voucher_captured) == (D(captured), D("50.00"))
    assert sum(amount for _, amount in shop.bookings(voucher)) == D("50.00") + D(captured)


def test_another_spelling_of_the_code_is_found_by_the_voucher(shop, two_orders, record_signal):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    lapsed = record_signal("payment_lapsed")
    voucher, first, second = two_orders("50.00")
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize(second, CODE.lower())
    gateway.select(second, CODE.lower())
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize_selected(second)
    assert lapsed == []
    gateway.capture(first)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_another_spelling_gets_what_is_left(shop, two_orders):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    _, first, second = two_orders("80.00")
    assert gateway.authorize(second, CODE.lower()).amount_authorized == D("30.00")
    assert first.voucher_due == 0


def test_a_code_that_is_entered_again_in_another_spelling_gets_what_is_left(shop, two_orders):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    voucher, first, second = two_orders("80.00")
    gateway.authorize(second, CODE.lower())
    assert gateway.authorize(second, CODE).amount_authorized == D("30.00")
    for order in (second, first):
        gateway.capture(order)
    assert sorted(shop.bookings(voucher)) == [("charge", D("30.00")), ("charge", D("50.00"))]


def test_a_visitor_without_the_pin_does_not_learn_that_another_order_counts_on_the_voucher(shop, two_orders):
    _, first, second = two_orders("50.00", pin="2468")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(second, CODE, pin="1357")
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize(second, CODE, pin="2468")
    assert gateway.cover(first).is_firm


def test_where_no_code_is_stored_a_hold_that_stands_is_not_replaced(shop, gateway_settings, two_orders):
    gateway_settings(SEALING_KEYS=[])
    voucher, first, second = two_orders("80.00")
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize(second, CODE)
    gateway.capture(first)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_an_order_that_was_cancelled_leaves_its_voucher_to_others(shop, two_orders):
    _, first, second = two_orders("50.00")
    gateway.cancel(first)
    assert gateway.authorize(second, CODE).amount_authorized == D("50.00")


def test_two_renewing_orders_do_not_take_the_hold_from_each_other(shop, two_orders, gateway_settings):
    gateway_settings(RENEW_HOLDS=True)
    _, first, second = two_orders("80.00")
    gateway.authorize(second, CODE)
    gateway.authorize_selected(second)
    for _ in range(6):
        shop.later(minutes=21)
        gateway.settle()
    assert (payment_of(first).status, payment_of(second).status) == ("lapsed", "authorized")
    assert (first.voucher_due, second.voucher_due) == (0, D("20.00"))


def test_a_confirmation_that_another_one_overtakes_is_decided_again(shop, monkeypatch):
    """Both read that nobody counts on the voucher; the second to write is refused by the database."""
    shop.voucher("50.00", code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    gateway.select(first, CODE)
    gateway.select(second, CODE)
    write, done = confirmation.record_confirmation, []

    def overtake(*arguments, **options):
        if not done:
            done.append(True)
            gateway.authorize_selected(first)
        return write(*arguments, **options)

    monkeypatch.setattr(confirmation, "record_confirmation", overtake)
    with pytest.raises(InsufficientBalanceError):
        gateway.authorize_selected(second)
    assert [payment_of(order).amount_agreed for order in (first, second)] == [D("50.00"), D("0.00")]


def test_eight_confirmations_at_the_same_moment_agree_no_more_than_the_balance(shop):
    voucher = shop.voucher("80.00", code=CODE)
    orders = [shop.order("30.00", f"A-{number}") for number in range(8)]
    for order in orders:
        gateway.select(order, CODE)
    barrier = threading.Barrier(len(orders))

    def confirm(number):
        barrier.wait()
        try:
            gateway.authorize_selected(Order.objects.get(number=number))
        except VoucherGatewayError:
            pass
        finally:
            connection.close()

    workers = [threading.Thread(target=confirm, args=(order.number,)) for order in orders]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]
    confirmed = VoucherPayment.objects.filter(confirmed_at__isnull=False)
    agreed = sum(payment.amount_agreed for payment in confirmed)
    assert 0 < agreed <= D("80.00")
    for payment in confirmed:
        gateway.capture(payment)
    assert sum(amount for _, amount in shop.bookings(voucher)) == agreed
