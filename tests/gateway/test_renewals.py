"""Renewals: holds are made again before they end, where the shop has set ``RENEW_HOLDS``."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import UnavailableError
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


def test_renewals_that_always_fail_keep_no_other_hold_from_being_renewed(shop, voucher, renewing):
    for number in range(4):
        shop.voucher("20.00", code=f"GIFT-2000-WXY{number}")
        gateway.authorize(shop.order("20.00", number=f"B-{number}"), f"GIFT-2000-WXY{number}")
    VoucherPayment.objects.update(sealed_code="opened by no key")
    gateway.authorize(shop.order("20.00"), CODE)
    shop.later(minutes=21)
    assert gateway.settle(limit=2).renewed == 0
    shop.later(minutes=1)
    assert gateway.settle(limit=2).renewed == 0
    shop.later(minutes=1)
    assert gateway.settle(limit=2).renewed == 1


def test_a_renewal_that_failed_is_tried_again_with_backoff(shop, order, renewing):
    shop.cloud.faults.next("before:503", times=99)
    tried = []
    for wait in (20 * 60 + 10, 20, 15, 30, 20):  # seconds; it is due after 20 minutes
        shop.later(seconds=wait)
        shop.calls()
        gateway.settle()
        tried.append(bool(shop.calls()))
    assert tried == [True, False, True, False, True]
    shop.cloud.faults.clear()
    shop.later(minutes=2)
    assert gateway.settle().renewed == 1
    shop.later(minutes=21)
    assert gateway.settle().renewed == 1


def test_a_hold_that_was_replaced_by_one_without_an_answer_is_renewed_at_once(shop, order, renewing):
    order.total = D("15.00")
    shop.cloud.faults.next("after:drop", path="*/reservations", times=2)
    with pytest.raises(UnavailableError):
        gateway.authorize(order, CODE)
    assert gateway.settle().renewed == 1
    assert only_payment().amount_authorized == D("20.00")


def test_a_hold_is_renewed_by_one_worker_at_a_time(shop, order, renewing, during):
    shop.later(minutes=25)
    inside = []
    during("reserve", lambda: inside.append(gateway.settle().renewed))
    assert (gateway.settle().renewed, inside) == (1, [0])


def test_a_wrong_address_ends_no_confirmed_payment(shop, voucher, renewing, gateway_settings, server, caplog):
    """Its answer to every path is that of the API to an unknown code, which would prove that the code is lost."""
    order = shop.order("20.00")
    gateway.select(order, voucher.code)
    gateway.authorize_selected(order)
    gateway_settings(BASE_URL=f"{server.url}/v2")
    shop.later(minutes=32)
    assert gateway.settle().renewed == 0
    assert only_payment().status == "authorized"
    assert [record.levelname for record in caplog.records if "BASE_URL" in record.getMessage()] == ["ERROR"]
    gateway_settings(BASE_URL=server.base_url)
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
