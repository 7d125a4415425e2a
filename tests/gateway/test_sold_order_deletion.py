"""An order whose vouchers exist cannot be deleted; one whose vouchers were never issued, or have ended, can."""

import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from tests.gateway.test_sales import DatedAdapter
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, RefusedError, UnavailableError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.selling.sold_list import sold_lines

CREATE = "/v1/vouchers"


@pytest.fixture
def order(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop.order("50.00", note="a=50.00")


def issue_with(shop, order, fault, error):
    shop.cloud.faults.next(fault, method="POST", path=CREATE, times=4)
    with pytest.raises(error):
        gateway.issue(order)


def ordered(shop, order):
    gateway.issue(order)
    VoucherOperation.objects.all()._raw_delete("default")
    VoucherSale.objects.update(status="ordered")


STANDING = {
    "issued": lambda shop, order: gateway.issue(order),
    "active": lambda shop, order: gateway.activate(order),
    "unknown": lambda shop, order: issue_with(shop, order, "after:drop", OutcomeUnknownError),
    "due": lambda shop, order: issue_with(shop, order, "before:503", UnavailableError),
    "store credit": lambda shop, order: gateway.credit(order, "5.00", key="k"),
}
ENDED = {
    "taken back": lambda shop, order: (gateway.activate(order), gateway.take_back(order)),
    "refused": lambda shop, order: issue_with(shop, order, "before:422", RefusedError),
    "ordered": ordered,
}


@pytest.mark.parametrize("step", STANDING.values(), ids=STANDING)
def test_an_order_whose_vouchers_exist_or_may_exist_is_kept(shop, order, step):
    step(shop, order)
    for delete in (order.delete, Order.objects.all().delete):
        with pytest.raises(
            ProtectedError, match=r"order A-1001: it sold gift vouchers.*take them back"
        ) as caught:
            delete()
        assert caught.value.protected_objects == {VoucherSale.objects.get()}
    shop.cloud.faults.clear()
    VoucherOperation.objects.exclude(due_at=None).update(due_at="2020-01-01T00:00:00Z")
    gateway.settle()
    for sale in VoucherSale.objects.all():
        gateway.take_back(sale)
    order.delete()
    assert not Order.objects.exists()


@pytest.mark.parametrize("step", ENDED.values(), ids=ENDED)
def test_one_without_a_voucher_is_deleted_and_its_number_sells_again(shop, order, step):
    step(shop, order)
    shop.cloud.faults.clear()
    order.delete()
    gateway.settle()
    old = VoucherSale.objects.get()
    assert old.status in ("taken_back", "failed")
    again = shop.order("50.00", note="a=50.00")
    (sale,) = gateway.activate(again)
    assert (sale.status, sale.pk != old.pk) == ("active", True)


def test_the_order_that_gets_the_number_again_has_nothing_of_its_sales_and_a_clerk_finds_them(
    shop, gateway_settings, admin_client, order, monkeypatch
):
    ENDED["taken back"](shop, order)
    old = VoucherSale.objects.get()
    order.delete()
    shop.later(days=1)
    again = shop.order("50.00", note="a=50.00")
    assert (list(again.voucher_sales), sold_lines(again)) == ([], [])
    gateway_settings(ORDER_ADAPTER="tests.gateway.test_sales.DatedAdapter")
    monkeypatch.setattr(DatedAdapter, "created", timezone.now())
    (sale,) = gateway.activate(again)  # not refused for its number
    assert [line.key for line in sold_lines(again)] == [sale.key] == ["a"]
    page = admin_client.get("/admin/voucher_payment_gateway/vouchersale/", {"q": "A-1001"}).text
    assert all(f"/vouchersale/{each.pk}/change/" in page for each in (old, sale))
    assert [each.pk for each in gateway.take_back(again)] == [sale.pk]


def test_numbers_and_keys_that_read_alike_are_two_vouchers_at_the_voucher_cloud(shop, order):
    """Order 7 with line 1-1, and order 7-1 with line 1."""
    pairs = [("7", "1-1"), ("7-1", "1")]
    orders = [shop.order("50.00", number=number, note=f"{key}=50.00") for number, key in pairs]
    sales = [sale for each in orders for sale in gateway.activate(each)]
    for sale in sales:
        gateway.top_up(sale, "5.00", key="k")
    (first,), (second,) = (shop.cloud.bookings(sale.voucher_id) for sale in sales)
    assert first.order_number.partition(".")[0] != second.order_number.partition(".")[0]
    assert [sale.order_number for sale in sales] == ["7", "7-1"]


def test_a_voucher_that_was_only_topped_up_keeps_no_order(shop):
    voucher = shop.voucher("20.00")
    gateway.top_up(voucher.code, "5.00", key="k", currency="EUR")
    shop.order(number="top-up").delete()
    assert VoucherSale.objects.get().status == "active"
