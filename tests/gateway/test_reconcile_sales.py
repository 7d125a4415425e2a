"""Reconcile compares what was sold: the bookings of our recharges, and each voucher with its sale."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, RefusedError
from voucher_payment_gateway.gateway.reconciliation import vouchers
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherSale

VOUCHER = "/v1/vouchers/"


@pytest.fixture
def sale(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return gateway.activate(shop.order("50.00", note="a=50.00"))[0]


@pytest.fixture
def told(record_signal):
    return record_signal("voucher_needs_review")


def reconcile(days=1):
    now = timezone.now()
    return gateway.reconcile(now - timedelta(days=days), now + timedelta(hours=1))


def differences():
    return [(row.kind, row.sale_id) for row in reconcile()]


def change(sale, **fields):
    VoucherSale.objects.filter(pk=sale.pk).update(**fields)


def reads(shop, sale):
    return [path for method, path in shop.calls() if (method, path) == ("GET", VOUCHER + sale.voucher_id)]


def delete(shop, sale):
    shop.cloud.store.state.vouchers[sale.voucher_id].deleted = True


def test_a_sale_that_agrees_is_no_difference_and_costs_one_read(shop, sale):
    gateway.top_up(sale, "10.00", key="k")
    shop.later(minutes=5)
    shop.calls()
    assert reconcile() == []
    assert len(reads(shop, sale)) == 1
    shop.later(days=2)
    shop.calls()
    assert reconcile() == []
    assert shop.calls() == []  # nothing of it changed in this time


def test_a_recharge_that_is_not_there_is_a_difference(shop, sale, told):
    gateway.top_up(sale, "10.00", key="k")
    shop.later(minutes=5)
    shop.cloud.store.state.vouchers[sale.voucher_id].booking_ids.clear()
    assert differences() == [("ours_only", sale.pk)]
    assert told == [(sale.order_number, D("10.00"))]


def test_a_recharge_that_was_booked_twice_is_a_difference_of_its_sale(shop, sale, told):
    operation = gateway.top_up(sale, "10.00", key="k")
    with shop.cloud.changing():
        store = shop.cloud.store
        from voucher_payment_gateway.sandbox.charges import book

        client = store.state.clients[shop.cloud.bookings(sale.voucher_id)[0].client_id]
        book(store, client, store.state.vouchers[sale.voucher_id], "recharge", 1000, operation.reference)
    shop.later(minutes=5)
    (row,) = reconcile()
    assert (row.kind, row.sale_id, row.operation_id) == ("theirs_only", sale.pk, operation.pk)
    assert told == [(sale.order_number, D("10.00"))]


def test_a_recharge_that_is_not_decided_is_not_judged(shop, sale):
    shop.cloud.faults.next("after:drop", method="POST", path="/v1/vouchers/recharge")
    with pytest.raises(OutcomeUnknownError):
        gateway.top_up(sale, "10.00", key="k")
    assert reconcile() == []


def test_a_voucher_that_was_deleted_there_is_told_once_and_gone_when_it_is_taken_back(shop, sale, told):
    shop.later(minutes=5)
    delete(shop, sale)
    for _ in range(2):
        (row,) = reconcile()
        assert (row.kind, row.sale_id, row.order_number) == ("voucher_gone", sale.pk, sale.order_number)
        assert "take the sale back" in row.sentence
    assert told == [(sale.order_number, D("50.00"))]
    shop.later(days=3)
    assert differences() == [("voucher_gone", sale.pk)]
    gateway.take_back(sale)
    shop.later(minutes=5)
    assert reconcile() == []
    assert VoucherDifference.objects.get().gone_at


@pytest.mark.parametrize(
    ("status", "theirs", "advice"),
    [
        ("active", "inactive", "Activate it there, or take the sale back"),
        ("taken_back", "active", "Deactivate and delete it there"),
        ("issued", "active", "Activate the sale if its order is paid"),
    ],
)
def test_a_voucher_in_another_status_is_told_once_until_it_is_mended(
    shop, sale, told, status, theirs, advice
):
    change(sale, status=status, target=status)
    shop.cloud.set_status(sale.voucher_id, theirs)
    shop.later(minutes=5)
    for _ in range(2):
        (row,) = reconcile()
        assert (row.kind, row.sale_id) == ("voucher_status", sale.pk)
        assert advice in row.sentence
    assert told == [(sale.order_number, D("50.00"))]
    shop.cloud.set_status(sale.voucher_id, "active" if theirs == "inactive" else "inactive")
    shop.later(days=3)  # it is read until it is mended, whenever it changed
    assert reconcile() == []
    assert VoucherDifference.objects.get().gone_at
    shop.calls()
    reconcile()
    assert shop.calls() == []


def test_one_that_was_taken_back_is_no_difference(shop, sale, told):
    gateway.take_back(sale)
    shop.later(minutes=5)
    assert (reconcile(), told) == ([], [])
    assert not VoucherDifference.objects.exists()


def test_what_is_under_way_is_not_judged(shop, sale):
    shop.later(minutes=5)
    shop.cloud.set_status(sale.voucher_id, "inactive")
    change(sale, due_at=timezone.now())
    assert reconcile() == []
    change(sale, due_at=None, updated_at=timezone.now() + timedelta(minutes=30))  # changed while it was read
    assert reconcile() == []
    change(sale, updated_at=timezone.now() - timedelta(minutes=5))
    assert differences() == [("voucher_status", sale.pk)]


def test_a_difference_that_cannot_be_judged_again_stays(shop, sale):
    shop.later(minutes=5)
    shop.cloud.set_status(sale.voucher_id, "inactive")
    assert differences() == [("voucher_status", sale.pk)]
    change(sale, due_at=timezone.now())
    assert differences() == [("voucher_status", sale.pk)]
    shop.cloud.faults.next("before:503", method="GET", path=VOUCHER + sale.voucher_id, times=9)
    assert ("voucher_status", sale.pk) in differences()


def test_differences_of_bookings_stay_when_the_voucher_is_gone(shop, sale):
    gateway.top_up(sale, "10.00", key="k")
    shop.later(minutes=5)
    shop.cloud.store.state.vouchers[sale.voucher_id].booking_ids.clear()
    assert differences() == [("ours_only", sale.pk)]
    delete(shop, sale)
    assert sorted(differences()) == [("ours_only", sale.pk), ("voucher_gone", sale.pk)]


def test_an_expired_voucher_is_no_difference(shop, sale):
    shop.later(minutes=5)
    shop.cloud.set_status(sale.voucher_id, "inactive")
    change(sale, valid_until=timezone.now() - timedelta(days=1))
    assert reconcile() == []


def test_many_sales_are_read_in_batches_one_call_each(shop, gateway_settings, monkeypatch):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    monkeypatch.setattr(vouchers, "BATCH", 2)
    monkeypatch.setattr(vouchers, "PAGE", 4)
    notes = [f"{key}=10.00" for key in "abcde"]
    sales = gateway.activate(shop.order("50.00", note=" ".join(notes)))
    shop.later(minutes=5)
    shop.calls()
    assert reconcile() == []
    read = [path for method, path in shop.calls() if method == "GET" and not path.endswith("/charges")]
    assert sorted(read) == sorted(VOUCHER + sale.voucher_id for sale in sales)


def test_a_sold_voucher_that_pays_is_compared_as_before(shop, sale):
    order = shop.order("20.00", number="A-2")
    gateway.authorize(order, shop.cloud.voucher(sale.voucher_id).code)
    gateway.capture(order)
    shop.later(minutes=5)
    assert reconcile() == []
    delete(shop, sale)
    assert differences() == [("voucher_gone", sale.pk)]
    assert VoucherOperation.objects.filter(kind="charge").exists()


def test_a_voucher_whose_creation_was_refused_is_no_difference(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    shop.cloud.faults.next("before:422", method="POST", path="/v1/vouchers")
    with pytest.raises(RefusedError):
        gateway.issue(shop.order("50.00", note="a=50.00"))
    assert differences() == []


def test_a_voucher_whose_creation_is_not_done_yet_is_no_difference(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    shop.cloud.faults.next("before:drop", method="POST", path="/v1/vouchers")
    with pytest.raises(OutcomeUnknownError):
        gateway.issue(shop.order("50.00", note="a=50.00"))
    assert differences() == []


def test_a_voucher_that_was_taken_back_after_the_time_span_is_no_difference(shop, sale):
    shop.later(days=2)
    gateway.take_back(sale)
    until = timezone.now() - timedelta(days=1)
    assert gateway.reconcile(until - timedelta(days=3), until) == []
