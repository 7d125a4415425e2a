"""An order number that is used again: the new order has nothing of the old one's vouchers, and a person is told."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.utils import timezone

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import summarise
from voucher_payment_gateway.checkout.history import story_of
from voucher_payment_gateway.exceptions import PaymentStateError, WrongStateError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import OrderAdapter, OrderFacts

CODE = "GIFT-2000-ABCD"
CREATED = {}


class DatedAdapter(OrderAdapter):
    """Knows when an order came into being, by its primary key."""

    def created_at(self, order):
        return CREATED.get(order.pk)


@pytest.fixture(autouse=True)
def _dated(gateway_settings):
    CREATED.clear()
    gateway_settings(ORDER_ADAPTER="tests.gateway.test_reused_number.DatedAdapter")


def again(shop, total="50.00", number="A-1001", seconds=0):
    """Delete the order behind the ORM's back, and give its number to a new one."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM shop_order")
    order = shop.order(total, number)
    CREATED[order.pk] = timezone.now() - timedelta(seconds=seconds)
    return order


OLD = {
    "held": lambda shop, order: None,
    "charged": lambda shop, order: gateway.capture(order),
    "refunded": lambda shop, order: (gateway.capture(order), gateway.refund(order)),
    "lapsed": lambda shop, order: (shop.later(minutes=40), gateway.settle()),
}


@pytest.fixture(params=OLD.values(), ids=OLD)
def reused(request, shop, order):
    """A new order of 50.00 with the number of one that vouchers had paid a day before."""
    request.param(shop, order)
    shop.later(days=1)
    shop.calls()
    return again(shop)


def test_the_new_order_has_nothing_of_the_old_one_s_vouchers(reused):
    cover = gateway.cover(reused)
    assert (cover.due, cover.captured, cover.held, cover.covered) == (D("50.00"), 0, 0, 0)
    assert reused.voucher_due == D("50.00")
    assert (reused.voucher_captured, reused.voucher_authorized) == (0, 0)
    assert (summarise(reused).lines, summarise(reused).due, story_of(reused)) == ([], D("50.00"), [])


def test_every_verb_says_what_to_do_and_sends_nothing(shop, reused, caplog):
    for call in (
        lambda: gateway.select(reused, CODE),
        lambda: gateway.authorize(reused, CODE),
        lambda: gateway.authorize_selected(reused),
        lambda: gateway.capture(reused),
        lambda: gateway.capture(VoucherPayment.objects.get()),
        lambda: gateway.refund(reused),
        lambda: gateway.cancel(reused),
    ):
        with pytest.raises(WrongStateError, match=r"gateway\.cancel\(payment\)") as caught:
            call()
        assert caught.value.code == "number_reused"
    assert shop.calls() == []
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_once_the_old_payments_are_cancelled_the_new_order_is_paid(shop, order, voucher):
    gateway.capture(order)
    shop.later(days=1)
    new = again(shop, "20.00")
    gateway.cancel(VoucherPayment.objects.get())
    gateway.authorize(new, CODE)
    gateway.capture(new)
    assert new.voucher_captured == D("20.00")
    assert [kind for kind, _ in shop.bookings(voucher)] == ["charge", "refund", "charge"]


def test_a_payment_made_while_the_order_is_saved_is_its_own(shop, order):
    CREATED[order.pk] = VoucherPayment.objects.get().created_at + timedelta(seconds=59)
    gateway.capture(order)
    assert gateway.cover(order).captured == D("20.00")


def test_an_order_whose_instant_is_not_known_keeps_its_payments(shop, order):
    shop.later(days=1)
    gateway.capture(order)
    assert gateway.cover(order).captured == D("20.00")


def test_the_field_is_named_in_the_settings(shop, order, gateway_settings, monkeypatch):
    gateway_settings(
        ORDER_ADAPTER="voucher_payment_gateway.orders.OrderAdapter", ORDER_FIELDS={"created": "placed_at"}
    )
    monkeypatch.setattr(Order, "placed_at", timezone.now(), raising=False)
    assert gateway.cover(order).held == D("20.00")
    monkeypatch.setattr(Order, "placed_at", timezone.now() + timedelta(hours=1))
    with pytest.raises(WrongStateError):
        gateway.capture(order)
    monkeypatch.setattr(Order, "placed_at", "yesterday")
    with pytest.raises(PaymentStateError, match="aware datetime"):
        gateway.capture(order)


def test_facts_given_without_an_order_say_it_too(shop, order):
    shop.later(days=1)
    with pytest.raises(WrongStateError):
        gateway.capture(OrderFacts("A-1001", D("20.00"), "EUR", timezone.now()))
