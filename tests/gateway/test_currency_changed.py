"""An order whose currency changes after a voucher was authorized: nothing is charged or held in the wrong currency."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"


def change_currency(order):
    order.currency, order.total = "JPY", D("2400.00")
    order.save()


def refused(verb, *arguments):
    with pytest.raises(WrongStateError) as caught:
        verb(*arguments)
    return caught.value.code == "order_currency_changed"


@pytest.mark.parametrize("given", ["order", "payment"])
def test_what_is_held_in_another_currency_is_not_charged(shop, order, voucher, given):
    change_currency(order)
    shop.calls()
    assert refused(gateway.capture, order if given == "order" else VoucherPayment.objects.get())
    assert (shop.calls(), shop.bookings(voucher)) == ([], [])


def test_what_lapsed_in_another_currency_is_not_held_again(shop, order):
    shop.later(minutes=40)
    gateway.settle()
    change_currency(order)
    shop.calls()
    assert refused(gateway.authorize_selected, order)
    assert shop.calls() == []


def test_a_later_part_is_not_charged_in_the_old_currency_after_the_first_came_back(shop, order, voucher):
    gateway.capture(order, "5.00")
    gateway.refund(order)
    change_currency(order)
    assert refused(gateway.capture, order, "15.00")
    assert shop.bookings(voucher) == [("charge", D("5.00")), ("refund", D("5.00"))]


def test_after_a_cancel_the_order_is_paid_in_its_new_currency(shop, order):
    change_currency(order)
    gateway.cancel(order)
    shop.voucher("3000.00", code="GIFT-JPY", currency="JPY")
    assert gateway.authorize(order, "GIFT-JPY").amount_authorized == D("2400.00")


def test_what_is_captured_already_is_left_alone(shop, order, voucher):
    gateway.capture(order)
    change_currency(order)
    assert gateway.capture(order) == []
    gateway.refund(order)
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]
