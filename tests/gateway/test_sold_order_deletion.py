"""An order whose vouchers exist cannot be deleted; one whose vouchers were never issued, or have ended, can."""

import pytest
from django.db.models import ProtectedError

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, RefusedError, UnavailableError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

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


def test_a_voucher_that_was_only_topped_up_keeps_no_order(shop):
    voucher = shop.voucher("20.00")
    gateway.top_up(voucher.code, "5.00", key="k", currency="EUR")
    shop.order(number="top-up").delete()
    assert VoucherSale.objects.get().status == "active"
