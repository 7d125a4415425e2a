"""The amount that vouchers cover, and the rest for another payment method, to the cent."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def order(shop):
    shop.voucher("20.00")
    return shop.order("50.00")


def sums(cover):
    return cover.captured, cover.held, cover.due, cover.is_firm


def test_an_order_without_vouchers_is_due_in_full(shop):
    assert sums(gateway.cover(shop.order("50.00"))) == (D("0.00"), D("0.00"), D("50.00"), True)


def test_a_held_voucher_covers_what_it_holds_until_its_reservation_ends(order):
    payment = gateway.authorize(order, CODE)
    cover = gateway.cover(order)
    assert sums(cover) == (D("0.00"), D("20.00"), D("30.00"), True)
    assert cover.held_until == payment.reserved_until


def test_what_was_captured_stays_covered(order):
    gateway.authorize(order, CODE)
    gateway.capture(order)
    assert sums(gateway.cover(order)) == (D("20.00"), D("0.00"), D("30.00"), True)


def test_a_cancelled_voucher_covers_nothing(order):
    gateway.authorize(order, CODE)
    gateway.capture(order)
    gateway.cancel(order)
    assert sums(gateway.cover(order)) == (D("0.00"), D("0.00"), D("50.00"), True)


def test_a_selected_voucher_is_not_firm(order):
    gateway.select(order, CODE)
    assert sums(gateway.cover(order)) == (D("0.00"), D("0.00"), D("50.00"), False)


def test_a_lapsed_voucher_is_not_firm_until_it_is_held_again(shop, order):
    gateway.authorize(order, CODE)
    shop.later(minutes=36)
    assert not gateway.cover(order).is_firm
    gateway.settle()
    assert sums(gateway.cover(order)) == (D("0.00"), D("0.00"), D("50.00"), False)
    gateway.authorize_selected(order)
    assert sums(gateway.cover(order)) == (D("0.00"), D("20.00"), D("30.00"), True)


def test_an_order_that_costs_less_by_now_is_not_firm_until_it_is_held_again(shop, order):
    gateway.authorize(order, CODE)
    order.total = D("15.00")
    assert sums(gateway.cover(order)) == (D("0.00"), D("20.00"), D("0.00"), False)
    gateway.authorize_selected(order)
    assert sums(gateway.cover(order)) == (D("0.00"), D("15.00"), D("0.00"), True)


def test_a_charge_that_is_not_decided_is_not_firm(shop, order):
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    assert sums(gateway.cover(order)) == (D("0.00"), D("20.00"), D("30.00"), False)


def test_a_charge_in_flight_covers_what_it_takes_also_after_its_hold_ended(shop, order):
    payment = gateway.authorize(order, CODE)
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    order.voucher_payments.filter(pk=payment.pk).update(status="lapsed", amount_authorized=0)
    cover = gateway.cover(order)
    assert (cover.held, cover.captured) == (0, 0)
    assert (cover.covered, cover.due) == (D("20.00"), D("30.00")) == (20, order.voucher_due)


def test_what_is_held_beyond_the_total_is_covered_too(order):
    gateway.authorize(order, CODE)
    order.total = D("15.00")
    assert (gateway.cover(order).covered, gateway.cover(order).due) == (D("20.00"), D("0.00"))


def test_it_sends_nothing_and_needs_one_statement(shop, order, django_assert_num_queries):
    gateway.authorize(order, CODE)
    shop.calls()
    with django_assert_num_queries(1):
        gateway.cover(order)
    assert shop.calls() == []


def test_a_voucher_that_is_not_needed_leaves_the_cover_firm(shop):
    shop.voucher("80.00", code="GIFT-8000-AAAA")
    shop.voucher("80.00", code="GIFT-8000-BBBB")
    order = shop.order("50.00")
    gateway.select(order, "GIFT-8000-AAAA")
    gateway.select(order, "GIFT-8000-BBBB")
    gateway.authorize_selected(order)
    assert sums(gateway.cover(order)) == (D("0.00"), D("50.00"), D("0.00"), True)
