"""An order with live money cannot be deleted; every other one can."""

from decimal import Decimal as D

import pytest
from django.db import transaction
from django.db.models import ProtectedError
from django.db.models.signals import pre_delete

from tests.shop.models import GiftOrder, Invoice, OpenOrder, Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import summarise
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"


def lose_the_answer(shop, order):
    shop.cloud.faults.next("after:drop", path="*/charge", times=None)
    shop.cloud.faults.next("before:503", path="*/charges", times=None)
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)


LIVE = {
    "held": lambda shop, order: None,
    "charged": lambda shop, order: gateway.capture(order),
    "refunded in part": lambda shop, order: (gateway.capture(order), gateway.refund(order, "19.99")),
    "not decided": lose_the_answer,
}
ENDED = {
    "refunded": lambda shop, order: (gateway.capture(order), gateway.refund(order)),
    "cancelled": lambda shop, order: gateway.cancel(order),
    "lapsed": lambda shop, order: (shop.later(minutes=40), gateway.settle()),
}


@pytest.mark.parametrize("step", LIVE.values(), ids=LIVE)
def test_an_order_with_live_money_cannot_be_deleted(shop, order, step):
    step(shop, order)
    shop.order(number="A-0")
    for delete in (
        order.delete,
        Order.objects.all().delete,
        Order.objects.filter(pk=order.pk).delete,
        OpenOrder.objects.get(pk=order.pk).delete,
        OpenOrder.objects.all().delete,
    ):
        with pytest.raises(ProtectedError, match="order A-1001: gift vouchers hold or have paid") as caught:
            delete()
        assert caught.value.protected_objects == {VoucherPayment.objects.get()}
    assert Order.objects.count() == 2, "nothing of a bulk deletion is carried out"


@pytest.mark.parametrize("step", ENDED.values(), ids=ENDED)
def test_an_order_without_live_money_is_deleted_and_its_payments_stay(shop, order, step):
    step(shop, order)
    order.delete()
    assert (Order.objects.count(), VoucherPayment.objects.count()) == (0, 1)


def test_an_order_in_two_tables_cannot_be_deleted_by_either(shop, voucher):
    order = GiftOrder.objects.create(number="A-1001", total=D("20.00"))
    gateway.authorize(order, CODE)
    for delete in (order.delete, GiftOrder.objects.all().delete, Order.objects.all().delete):
        with pytest.raises(ProtectedError):
            delete()
    gateway.cancel(order)
    order.delete()
    assert Order.objects.count() == 0


@pytest.mark.parametrize("model", [Order, OpenOrder, GiftOrder])
def test_an_order_is_kept_by_whichever_of_its_models_the_settings_name(
    shop, gateway_settings, voucher, model
):
    gateway_settings(ORDER_MODEL=f"shop.{model.__name__}")
    order = GiftOrder.objects.create(number="A-1001", total=D("20.00"))
    gateway.authorize(order, CODE)
    for delete in (order.delete, Order.objects.all().delete, OpenOrder.objects.all().delete):
        with pytest.raises(ProtectedError):
            delete()


def test_orders_without_vouchers_or_without_a_number_are_deleted_freely(shop):
    for number in ("A-1", "", "A" * 60):
        shop.order(number=number).delete()
    assert Order.objects.count() == 0


def test_rows_of_other_models_are_deleted_as_fast_as_before():
    assert pre_delete.has_listeners(Order)
    assert not pre_delete.has_listeners(Invoice)


def test_another_order_model_of_the_settings_is_kept_in_place_of_the_earlier_one(
    shop, order, gateway_settings
):
    fields = {"number": "reference", "total": "gross", "currency": "money"}
    gateway_settings(ORDER_MODEL="shop.Invoice", ORDER_FIELDS=fields)
    invoice = Invoice.objects.create(reference="A-1001", gross=D("20.00"))
    with pytest.raises(ProtectedError):
        invoice.delete()
    order.delete()


BEFORE_DELETION = {
    "selected": lambda shop, order: (gateway.cancel(order), gateway.select(order, CODE)),
    **ENDED,
}


@pytest.mark.parametrize("step", BEFORE_DELETION.values(), ids=BEFORE_DELETION)
def test_an_order_that_gets_the_number_again_has_nothing_of_the_earlier_one(shop, order, voucher, step):
    step(shop, order)
    order.delete()
    shop.calls()
    again = shop.order("20.00", number=order.number)
    assert (gateway.authorize_selected(again), shop.calls()) == ([], [])
    assert (gateway.cover(again).due, again.voucher_due) == (D("20.00"), D("20.00"))
    assert summarise(again).lines == []
    assert not again.voucher_payments.exclude(status="cancelled", sealed_code="").exists()
    gateway.authorize(again, CODE)
    gateway.capture(again)
    assert shop.bookings(voucher)[-1] == ("charge", D("20.00"))


def test_what_a_deletion_ended_is_told_once_it_is_committed(shop, order, record_signal):
    ended = record_signal("payment_cancelled")
    gateway.cancel(order)
    gateway.select(order, CODE)
    ended.clear()
    with pytest.raises(RuntimeError), transaction.atomic():
        order.delete()
        raise RuntimeError
    assert (ended, VoucherPayment.objects.last().status) == ([], "selected")
    Order.objects.all().delete()
    assert ended == [("A-1001", D("0.00"))]


@pytest.mark.parametrize("key", ["checkout", "k" * 255, "deleted by a clerk"])
def test_a_key_of_a_deleted_order_does_not_count_for_an_order_that_gets_its_number(shop, order, voucher, key):
    for _ in range(2):
        gateway.capture(order, "5.00", key=key)
        gateway.refund(order)
        order.delete()
        order = shop.order("20.00")
        gateway.authorize(order, CODE)
    gateway.capture(order, "5.00", key=key)
    assert shop.bookings(voucher)[-1] == ("charge", D("5.00"))
    assert [kind for kind, _ in shop.bookings(voucher)].count("charge") == 3
