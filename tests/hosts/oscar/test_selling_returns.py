"""Returns and cancelled orders in Oscar take the gift vouchers back that were sold, unless they were spent."""

import pytest
from oscar.apps.payment.exceptions import PaymentError
from oscar.core.loading import get_class

from tests.hosts.oscar.gift_vouchers import buy, gift_voucher, pay, returned_event, sales, vouchers_of
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import WrongStateError

Handler = get_class("order.processing", "EventHandler")


def test_a_cancelled_order_takes_its_gift_voucher_back(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"))
    pay(order)

    Handler().handle_order_status_change(order, "Cancelled")

    order.refresh_from_db()
    assert order.status == "Cancelled"
    assert [sale.status for sale in sales(order)] == ["taken_back"]


def test_a_spent_gift_voucher_keeps_its_order_from_being_cancelled(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"), email="ada@example.org")
    pay(order)
    (voucher,) = vouchers_of(oscar_shop)
    held = oscar_shop.cloud.reserve(voucher.code, "20.00")
    oscar_shop.cloud.charge(held, "TILL-1")

    with pytest.raises(PaymentError, match=r"20\.00 EUR of the gift voucher"):
        Handler().handle_order_status_change(order, "Cancelled")

    order.refresh_from_db()
    assert order.status == "Pending"
    assert [sale.status for sale in sales(order)] == ["active"]


def test_a_status_that_the_order_cannot_have_takes_nothing_back(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"))
    pay(order)
    order.set_status("Being processed")
    order.set_status("Complete")

    with pytest.raises(get_class("order.exceptions", "InvalidOrderStatus")):
        Handler().handle_order_status_change(order, "Cancelled")

    assert [sale.status for sale in sales(order)] == ["active"]


def test_a_returned_line_takes_its_own_gift_voucher_back(oscar_shop):
    teapot = oscar_shop.product("30.00")
    order = buy(oscar_shop, gift_voucher("25.00"), teapot, gift_voucher("50.00"))
    pay(order)
    returned = order.lines.get(line_price_incl_tax=50)

    Handler().handle_shipping_event(order, returned_event(), [returned], [1])

    assert [(sale.amount, sale.status) for sale in sales(order)] == [(25, "active"), (50, "taken_back")]


def test_one_of_three_comes_back(oscar_shop):
    visitor = oscar_shop.visitor()
    visitor.buy(gift_voucher("25.00"), quantity=3).to_preview().place()
    order = oscar_shop.orders.get()
    pay(order)
    line = order.lines.get()

    Handler().handle_shipping_event(order, returned_event(), [line], [1])

    assert [sale.status for sale in sales(order)] == ["active", "active", "taken_back"]


def test_returned_goods_take_no_gift_voucher_back(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"), oscar_shop.product("30.00"))
    pay(order)
    goods = order.lines.get(line_price_incl_tax=30)

    Handler().handle_shipping_event(order, returned_event(), [goods], [1])

    assert [sale.status for sale in sales(order)] == ["active"]


def test_an_unpaid_order_that_was_cancelled_sells_nothing_any_more(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"))
    Handler().handle_order_status_change(order, "Cancelled")

    with pytest.raises(WrongStateError, match="is not paid"):
        gateway.activate(order)

    assert [sale.status for sale in sales(order)] == ["taken_back"]
