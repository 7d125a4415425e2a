"""Sales that cannot go on by themselves: a person is told, and has a way out."""

from decimal import Decimal as D

import pytest

from tests.gateway.sales import attempt, check, mailed, remote, settle_all, worth
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import RefusedError, UnavailableError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


@pytest.fixture
def forgotten(seller):
    """An order whose voucher a backup does not know that was put back; since then its line was corrected to 30.00."""
    order = seller.order("50.00", note="a=50.00")
    (before,) = gateway.activate(order)
    VoucherOperation.objects.filter(sale=before)._raw_delete("default")
    VoucherSale.objects.filter(pk=before.pk)._raw_delete("default")
    order.note = "a=30.00"
    order.save()
    attempt(gateway.activate, order)
    return order


def test_a_voucher_whose_id_another_one_has_is_left_to_a_person_who_has_a_way_out(
    seller, forgotten, record_signal
):
    told = record_signal("voucher_needs_review")
    settle_all(seller)
    operation = VoucherOperation.objects.get(kind="issue")
    assert (operation.state, operation.error_code, len(told)) == ("manual", "voucher_not_ours", 1)
    gateway.conclude(operation, actor="mia", reason="the voucher of 50.00 was taken off by hand")
    assert forgotten.voucher_sales.get().status == "failed"
    settle_all(seller)
    assert len(told) == 1
    (sold,) = gateway.activate(forgotten)
    assert (sold.status, sold.amount, mailed(remote(seller, sold).code)) == ("active", D("30.00"), 1)


def test_such_a_voucher_is_taken_back_by_the_same_way_out(seller, forgotten):
    attempt(gateway.take_back, forgotten)
    settle_all(seller)
    gateway.conclude(VoucherOperation.objects.get(kind="issue"), actor="mia", reason="returned")
    settle_all(seller)
    assert forgotten.voucher_sales.get().status == "failed"
    assert worth(seller) == 5000


@pytest.mark.parametrize("fail", ["before:403", "before:422"])
def test_a_voucher_whose_code_can_never_be_read_is_taken_back(seller, fail):
    """The client lost the right to read codes: what is to be deleted needs no code."""
    seller.cloud.faults.next(fail, path="*/complete", times=None)
    seller.cloud.faults.next("after:drop", method="POST", path="/v1/vouchers")
    order = seller.order("50.00", note="a=50.00")
    attempt(gateway.issue, order)
    attempt(gateway.take_back, order)
    settle_all(seller)
    check(seller, order.voucher_sales.get(), "taken_back")


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_voucher_that_the_cloud_never_deletes_is_left_to_a_person_after_a_day(
    seller, record_signal, is_whole
):
    """It is inactive, so no one can redeem it. Deleted by hand at the Voucher Cloud, it is taken back."""
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.activate(order)
    seller.later(days=1)
    if not is_whole:
        remote(seller, sale).balance_cents -= 100  # corrected by hand there: no booking says why
    seller.cloud.faults.next("before:422", method="DELETE", times=None)
    told = record_signal("voucher_needs_review")
    with pytest.raises(UnavailableError, match=r"does not delete the gift voucher, .*Settle tries it again"):
        gateway.take_back(order)
    for _ in range(30):
        seller.later(hours=1)
        gateway.settle()
    operation = sale.operations.get(kind="deactivate")
    assert (operation.state, remote(seller, sale).status, len(told)) == ("manual", "inactive", 1)
    remote(seller, sale).deleted = True
    gateway.conclude(operation, remote_id=sale.voucher_id, actor="mia", reason="deleted by hand")
    sale.refresh_from_db()
    assert (sale.status, sale.due_at) == ("taken_back", None)


@pytest.mark.parametrize("fault", ["", "before:503", "before:drop"])
def test_a_voucher_that_was_deleted_by_hand_before_its_activation_says_so(
    seller, fault, record_signal, caplog
):
    """It can never be valid, so its activation ends at once; the order may be sold another one."""
    told = record_signal("voucher_needs_review")
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.issue(order)
    if fault:
        seller.cloud.faults.next(fault, method="PATCH", path="/v1/vouchers/*/status")
        attempt(gateway.activate, order)
    remote(seller, sale).deleted = True
    if fault:
        settle_all(seller)
    else:
        with pytest.raises(RefusedError, match=r"was deleted .* cannot be activated.*Take it back") as caught:
            gateway.activate(order)
        assert caught.value.code == "voucher_gone"
    operation = sale.operations.get(kind="activate")
    assert (operation.state, operation.error_code, len(told)) == ("refused", "voucher_gone", 1)
    assert "voucher_gone" in caplog.text
    settle_all(seller)
    assert sale.operations.filter(kind="activate").count() == 1
    gateway.take_back(sale, actor="mia", reason="deleted by hand")
    order.note = "b=50.00"
    order.save()
    attempt(gateway.activate, order)
    sold = order.voucher_sales.get(key="b")
    assert (sold.status, mailed(remote(seller, sold).code)) == ("active", 1)


def test_a_wrong_address_ends_no_activation(seller, gateway_settings, server):
    order = seller.order("50.00", note="a=50.00")
    gateway.issue(order)
    gateway_settings(BASE_URL=f"{server.url}/v2")
    with pytest.raises(UnavailableError) as caught:
        gateway.activate(order)
    assert caught.value.code == "address_wrong"
    gateway_settings(BASE_URL=server.base_url)
    settle_all(seller)
    check(seller, order.voucher_sales.get(), "active")
