"""Renewals: holds are made again before they end, where the shop has set ``RENEW_HOLDS``."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"


def only_payment():
    return VoucherPayment.objects.get()


@pytest.fixture
def renewing(gateway_settings):
    gateway_settings(RENEW_HOLDS=True)


def test_a_hold_is_kept_alive_where_the_shop_says_so(shop, order, voucher, renewing, record_signal):
    told = record_signal("payment_authorized")
    first = only_payment().reservation_id
    for _ in range(3):
        shop.later(minutes=25)
        assert gateway.settle().renewed == 1
    payment = only_payment()
    assert (payment.status, payment.amount_authorized) == ("authorized", D("20.00"))
    assert payment.reservation_id != first
    assert told == []
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_hold_is_not_renewed_before_it_nears_its_end(shop, order, renewing):
    shop.later(minutes=19)
    assert gateway.settle().renewed == 0


def test_a_hold_is_kept_alive_no_longer_than_the_code_is_kept(shop, order, renewing, gateway_settings):
    gateway_settings(SELECTED_HOURS=1)
    gateway.authorize(order, CODE, amount="10.00")
    shop.later(minutes=25)
    assert gateway.settle().renewed == 1
    shop.later(minutes=36)
    assert gateway.settle().renewed == 0
    VoucherPayment.objects.update(reservation_dead_at="2020-01-01T00:00:00Z")
    gateway.settle()
    assert (only_payment().status, only_payment().sealed_code) == ("lapsed", "")


def test_a_hold_is_not_kept_alive_unless_the_shop_says_so(shop, order):
    shop.later(minutes=25)
    shop.calls()
    assert gateway.settle().renewed == 0
    assert shop.calls() == []


def test_a_hold_that_cannot_be_renewed_lapses_in_its_time(shop, order, voucher, renewing):
    shop.cloud.faults.next("before:503", times=99)
    shop.later(minutes=25)
    assert gateway.settle().renewed == 0
    assert only_payment().status == "authorized"
    shop.later(minutes=11)
    assert gateway.settle().lapsed == 1


def test_a_hold_that_was_given_up_since_the_list_was_read_is_not_renewed(shop, order, renewing):
    from voucher_payment_gateway.gateway.recovery.renew import keep_alive

    shop.later(minutes=25)
    listed = only_payment()
    gateway.cancel(order)
    shop.calls()
    assert not keep_alive(listed)
    assert shop.calls() == []
