"""Reconcile lists payments whose order is gone, cancelled by status, or was paid more than it costs."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, RefusedError
from voucher_payment_gateway.gateway.reconciliation import paid_orders
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment
from voucher_payment_gateway.orders import OrderAdapter, OrderFacts

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def voucher(shop):
    return shop.voucher("100.00", code=CODE)


@pytest.fixture
def order(shop, voucher):
    """An order paid with 20.00, long enough ago to be in every list."""
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.capture(order)
    shop.later(minutes=5)
    return order


def differences(days=3):
    now = timezone.now()
    rows = gateway.reconcile(now - timedelta(days=days), now + timedelta(days=1))
    return [(row.kind, row.order_number, row.amount_ours) for row in rows]


def change(order, **fields):
    Order.objects.filter(pk=order.pk).update(**fields)
    order.refresh_from_db()


def delete(order):
    """Delete the order behind Django's back, as a person with SQL does."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM shop_order WHERE id = %s", [order.pk])


def test_a_payment_whose_order_is_gone_is_told(order, voucher, reviews):
    delete(order)
    assert differences() == [("order_gone", order.number, D("20.00"))]
    row = VoucherDifference.objects.get()
    assert (row.payment, row.voucher_id) == (VoucherPayment.objects.get(), voucher.id)
    assert (row.remote_id, row.code_hint) == (order.number, "ABCD")
    assert row.sentence == "The order is gone, but its payment keeps, or may still charge, 20.00 EUR."
    assert reviews == [D("20.00")]


def test_it_is_told_once_and_closed_when_the_money_went_back(shop, order, reviews):
    delete(order)
    differences()
    assert differences() == [("order_gone", order.number, D("20.00"))]
    assert reviews == [D("20.00")]
    gateway.cancel(VoucherPayment.objects.get())
    shop.later(minutes=5)
    assert differences() == []
    assert not VoucherDifference.objects.get().is_open


def test_each_voucher_of_an_order_that_is_gone_is_told(shop, order):
    shop.voucher("50.00", code="OTHER-VOUCHER")
    change(order, total="35.00")
    gateway.authorize(order, "OTHER-VOUCHER")
    gateway.authorize_selected(order)
    delete(order)
    assert sorted(differences()) == [
        ("order_gone", order.number, D("15.00")),
        ("order_gone", order.number, D("20.00")),
    ]


def test_an_order_that_holds_nothing_may_go(shop, voucher):
    order = shop.order("20.00")
    gateway.select(order, CODE)
    delete(order)
    assert differences() == []


CANCELLED = {"field": "status", "cancel": ["cancelled"]}


def test_an_order_that_settle_cancels_by_itself_is_not_told(shop, order, voucher, gateway_settings, reviews):
    gateway_settings(ON_STATUS=CANCELLED)
    change(order, status="cancelled")
    assert differences() == []
    gateway.settle()
    assert shop.bookings(voucher)[-1] == ("refund", D("20.00"))
    assert reviews == []


def test_a_cancelled_order_whose_refund_was_refused_is_told(shop, order, gateway_settings):
    gateway_settings(ON_STATUS=CANCELLED)
    shop.cloud.faults.next("before:422", method="POST", path="*/refund", times=9)
    with pytest.raises(RefusedError):
        gateway.cancel(order)
    change(order, status="cancelled")
    shop.later(minutes=5)
    assert differences() == [("order_cancelled", order.number, D("20.00"))]


def test_an_order_that_was_paid_more_than_it_costs_is_told(shop, order):
    shop.voucher("50.00", code="OTHER-VOUCHER")
    change(order, total="35.00")
    gateway.authorize(order, "OTHER-VOUCHER")
    gateway.capture(order)
    shop.later(minutes=5)
    assert differences() == []
    change(order, total="30.00")
    assert differences() == [("order_overpaid", order.number, D("5.00"))]
    assert "5.00 EUR more than the order costs" in VoucherDifference.objects.get().sentence
    gateway.refund(order, "5.00")
    shop.later(minutes=5)
    assert differences() == []


def test_a_difference_that_becomes_another_is_told_as_that(order):
    change(order, total="10.00")
    assert differences() == [("order_overpaid", order.number, D("10.00"))]
    delete(order)
    assert differences() == [("order_gone", order.number, D("20.00"))]


def test_an_explained_difference_comes_back_when_its_amount_changes(order):
    change(order, total="15.00")
    differences()
    gateway.explain(VoucherDifference.objects.get(), "Fee for the cancellation.", actor="anna")
    assert differences() == []
    change(order, total="12.00")
    assert differences() == [("order_overpaid", order.number, D("8.00"))]


def test_an_order_with_an_open_operation_is_judged_by_a_later_run(shop, order):
    change(order, total="15.00")
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    assert VoucherOperation.objects.get(kind="refund").state == "unknown"
    assert [kind for kind, *_ in differences() if kind.startswith("order")] == []


def test_an_order_that_changed_long_after_its_payment_is_told(shop, order, gateway_settings):
    shop.later(days=25)
    change(order, total="5.00")
    assert differences(days=1) == [("order_overpaid", order.number, D("15.00"))]
    shop.later(days=25)
    assert differences(days=1) == [("order_overpaid", order.number, D("15.00"))]
    """also once the payment is older: a difference stays until it is gone"""


def test_a_payment_of_an_earlier_order_with_this_number_has_no_order(shop, order, gateway_settings):
    gateway_settings(ORDER_FIELDS={"created": "created_at"})
    Order.created_at = property(lambda self: timezone.now())
    try:
        assert differences() == [("order_gone", order.number, D("20.00"))]
    finally:
        del Order.created_at


def test_orders_that_cannot_be_found_by_number_are_not_gone(order, gateway_settings):
    gateway_settings(ORDER_ADAPTER="tests.gateway.test_reconcile_orders.WithoutLookup")
    assert differences() == []


class WithoutLookup(OrderAdapter):
    def lookup(self, number):
        return {"no_such_column": number}


def test_an_order_without_a_row_is_not_gone(shop, voucher):
    facts = OrderFacts("PHONE-17", D("20.00"), "EUR")
    gateway.authorize(facts, CODE)
    gateway.capture(facts)
    shop.later(minutes=5)
    assert differences() == []


@pytest.mark.parametrize("error", [ValidationError("no UUID"), ValueError(), KeyError(), TypeError()])
def test_a_number_that_no_order_can_have_hides_no_difference(
    shop, order, gateway_settings, monkeypatch, error
):
    gateway_settings(ON_STATUS={"field": "status", "capture": ["shipped"]})
    gateway.authorize(OrderFacts("PHONE-17", D("20.00"), "EUR"), CODE)
    change(order, total="15.00")
    plain = OrderAdapter.lookup

    def lookup(self, number):
        if number.startswith("A-"):
            return plain(self, number)
        raise error

    monkeypatch.setattr(OrderAdapter, "lookup", lookup)
    gateway.settle()
    assert differences() == [("order_overpaid", order.number, D("5.00"))]


def test_an_order_that_cannot_be_read_hides_no_other(shop, order, gateway_settings, caplog):
    other = shop.order("10.00", number="A-2")
    gateway.authorize(other, CODE)
    gateway.capture(other)
    shop.later(minutes=5)
    change(other, total="4.00")
    change(order, note="broken")
    gateway_settings(ORDER_ADAPTER="tests.gateway.test_reconcile_orders.Broken")
    assert differences() == [("order_overpaid", "A-2", D("6.00"))]
    assert "order A-1001 cannot be read: KeyError" in caplog.text


class Broken(OrderAdapter):
    def total(self, order):
        return super().total(order) if order.note != "broken" else {}["a line without a product"]


@pytest.mark.parametrize("is_explained", [True, False])
def test_a_difference_that_was_gone_and_is_back_is_told_again(order, reviews, is_explained):
    change(order, total="15.00")
    differences()
    if is_explained:
        gateway.explain(VoucherDifference.objects.get(), "In cash.", actor="anna")
    change(order, total="20.00")
    assert differences() == []
    change(order, total="15.00")
    assert differences() == [("order_overpaid", order.number, D("5.00"))]
    assert reviews == [D("5.00"), D("5.00")]


def test_two_payments_with_one_voucher_are_told_together(shop, voucher):
    order = shop.order("60.00")
    gateway.authorize(order, CODE, amount="20.00")
    gateway.capture(order)
    gateway.authorize(order, CODE, amount="30.00")
    gateway.authorize_selected(order)
    shop.later(minutes=5)
    delete(order)
    assert differences() == [("order_gone", order.number, D("50.00"))]


def test_what_is_only_held_lapses_by_itself_and_is_not_told(shop, voucher):
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    delete(order)
    assert differences() == []


def test_what_a_person_has_refunded_by_hand_was_not_paid_too_much(shop, order):
    charge = VoucherOperation.objects.get(kind="charge").remote_id
    shop.cloud.refund(charge, "5.00", client_id=shop.cloud.add_client().id)
    change(order, total="15.00")
    shop.later(minutes=5)
    assert [kind for kind, *_ in differences()] == ["refund_by_hand"]


def test_a_refund_that_waits_for_a_person_is_not_told_as_too_much(shop, order):
    charge = VoucherOperation.objects.get(kind="charge").remote_id
    shop.cloud.faults.next("before:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    shop.cloud.refund(charge, "5.00", client_id=shop.cloud.add_client().id)
    change(order, total="15.00")
    for _ in range(12):
        shop.later(minutes=10)
        gateway.settle()
    assert VoucherOperation.objects.get(kind="refund").state == "manual"
    assert "order_overpaid" not in [kind for kind, *_ in differences()]


def test_totals_of_another_currency_are_not_compared(order):
    change(order, currency="DKK", total="15.00")
    assert differences() == []


def test_an_explanation_stays_when_a_newer_voucher_pays_as_well(shop, order):
    shop.voucher("50.00", code="OTHER-VOUCHER")
    change(order, total="15.00")
    differences()
    gateway.explain(VoucherDifference.objects.get(), "A fee.", actor="anna")
    change(order, total="30.00")
    gateway.authorize(order, "OTHER-VOUCHER")
    gateway.capture(order)
    change(order, total="25.00")
    shop.later(minutes=5)
    assert differences() == []


def test_many_orders_are_compared_in_batches(shop, voucher, monkeypatch):
    monkeypatch.setattr(paid_orders, "BATCH", 2)
    for number in range(5):
        order = shop.order("3.00", number=f"B-{number}")
        gateway.authorize(order, CODE)
        gateway.capture(order)
        change(order, total="1.00")
    shop.later(minutes=5)
    assert [number for _, number, _ in differences()] == [f"B-{number}" for number in range(5)]
    with CaptureQueriesContext(connection) as queries:
        differences()
    assert len(queries) < 60


def test_an_order_that_was_paid_before_it_had_a_row_is_told_once_that_is_gone(shop, voucher):
    """A host that places its order after the payment: the confirmation notes that the row is there."""
    gateway.authorize(OrderFacts("A-1001", D("20.00"), "EUR"), CODE)
    order = shop.order("20.00")
    gateway.authorize_selected(order)
    gateway.capture(order)
    shop.later(minutes=5)
    delete(order)
    assert differences() == [("order_gone", "A-1001", D("20.00"))]
