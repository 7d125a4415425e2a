"""Take back: what is wanted is written before anything is sent, so that nothing ends in the middle."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.gateway.sales import attempt, check, remote, settle_all
from tests.shop import signals
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import RefusedError, UnavailableError, WrongStateError
from voucher_payment_gateway.gateway.verbs import advance, take_back
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

FOUR = "a=10.00 b=10.00 c=10.00 d=10.00"


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


@pytest.fixture
def two_at_once(monkeypatch):
    for module in (advance, take_back):
        monkeypatch.setattr(module, "MAX_AT_ONCE", 2)


@pytest.fixture
def order(seller):
    order = seller.order("50.00", note="a=50.00")
    gateway.activate(order)
    return order


@pytest.fixture
def large(seller):
    order = seller.order("40.00", note=FOUR)
    gateway.activate(order)
    return order


def sale():
    return VoucherSale.objects.get()


def spend(shop, amount="20.00"):
    voucher = remote(shop, sale())
    shop.cloud.charge(shop.cloud.reserve(voucher.code, amount), "T-1")


def top_up_elsewhere(amount="5.00"):
    cloud = voucher_cloud("")
    cloud.recharge_voucher(amount=D(amount), currency="EUR", order_number="till 7", id=sale().voucher_id)


# inside the caller's transaction


def test_inside_a_transaction_nothing_is_read_or_sent_before_its_commit(seller, order):
    seller.calls()
    with transaction.atomic():
        gateway.take_back(order, actor="mia", reason="returned")
        assert seller.calls() == []
        operation = VoucherOperation.objects.get(kind="deactivate")
        assert (operation.state, operation.actor, sale().target) == ("due", "mia", "taken_back")
    check(seller, sale(), "taken_back")
    assert VoucherOperation.objects.get(kind="deactivate").state == "succeeded"


def test_a_transaction_that_is_rolled_back_takes_nothing_back(seller, order):
    seller.calls()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        gateway.take_back(order)
        raise ZeroDivisionError
    assert (seller.calls(), VoucherOperation.objects.filter(kind="deactivate").exists()) == ([], False)
    gateway.settle()
    check(seller, sale(), "active")


def test_a_process_that_dies_after_the_commit_leaves_it_to_settle(seller, order, monkeypatch):
    monkeypatch.setattr(take_back, "advance_all", lambda sales: None)
    with transaction.atomic():
        gateway.take_back(order)
    assert (sale().status, sale().target) == ("active", "taken_back")
    gateway.settle()
    check(seller, sale(), "taken_back")


def test_a_spent_voucher_is_found_after_the_commit_stays_valid_and_is_told(seller, order, record_signal):
    told = record_signal("voucher_needs_review")
    spend(seller)
    with transaction.atomic():
        gateway.take_back(order)
    assert (sale().status, sale().target, remote(seller, sale()).status) == ("active", "active", "active")
    assert told == [("A-1001", D("50.00"))]
    with transaction.atomic(), pytest.raises(WrongStateError, match="refused today") as refused:
        gateway.take_back(order)
    assert refused.value.code == "voucher_spent"
    with pytest.raises(RefusedError, match=r"20\.00 EUR"):  # outside it is read again
        gateway.take_back(order)


@pytest.mark.parametrize("is_one", [False, True])
def test_a_voucher_that_a_till_has_topped_up_is_taken_back_only_by_itself(seller, order, is_one):
    top_up_elsewhere()
    with transaction.atomic():
        gateway.take_back(sale() if is_one else order)
    settle_all(seller)
    assert sale().status == ("taken_back" if is_one else "active")
    operation = VoucherOperation.objects.get(kind="deactivate")
    assert operation.error_code == ("" if is_one else "voucher_topped_up")
    assert remote(seller, sale()).status == ("inactive" if is_one else "active")


def test_one_that_our_records_know_as_topped_up_is_refused_at_once(seller, order):
    gateway.top_up(sale(), "5.00", key="k")
    seller.calls()
    with transaction.atomic(), pytest.raises(WrongStateError) as refused:
        gateway.take_back(order)
    assert (refused.value.code, seller.calls()) == ("voucher_topped_up", [])


def test_an_order_that_counts_on_it_meanwhile_keeps_it(seller, order):
    with transaction.atomic():
        gateway.take_back(order)
        gateway.authorize(seller.order("20.00", number="A-2"), remote(seller, sale()).code)
    assert (sale().status, remote(seller, sale()).status) == ("active", "active")
    assert VoucherOperation.objects.get(kind="deactivate").error_code == "voucher_in_use"


# many vouchers


def targets():
    return {each.target for each in VoucherSale.objects.all()}


def test_a_process_that_dies_in_the_middle_has_written_all_it_wanted(seller, large, two_at_once, during):
    def die():
        raise SystemExit

    during("set_voucher_status", die)
    with pytest.raises(SystemExit):
        gateway.take_back(large)
    assert targets() == {"taken_back"}
    settle_all(seller)
    assert {each.status for each in VoucherSale.objects.all()} == {"taken_back"}
    seller.cloud.ledger.check()


def test_no_more_are_read_than_are_taken_back_at_once(seller, large, two_at_once):
    seller.calls()
    gateway.take_back(large)
    assert len({path for _, path in seller.calls() if path.endswith("/charges")}) == 2
    assert [each.status for each in large.voucher_sales] == ["taken_back"] * 2 + ["active"] * 2
    assert targets() == {"taken_back"}
    gateway.settle()
    assert {each.status for each in large.voucher_sales} == {"taken_back"}


def test_where_they_cannot_be_read_it_is_written_and_settle_goes_on(seller, large):
    seller.cloud.faults.next("before:503", times=None)
    with pytest.raises(UnavailableError):
        gateway.take_back(large)
    assert targets() == {"taken_back"}
    seller.cloud.faults.clear()
    settle_all(seller)
    assert {each.status for each in large.voucher_sales} == {"taken_back"}


def test_one_that_is_spent_keeps_no_other_from_being_taken_back(seller, large, two_at_once, record_signal):
    told = record_signal("voucher_needs_review")
    last = large.voucher_sales.last()
    seller.cloud.charge(seller.cloud.reserve(remote(seller, last).code, "5.00"), "T-1")
    gateway.take_back(large)
    settle_all(seller)
    assert [each.status for each in large.voucher_sales] == ["taken_back"] * 3 + ["active"]
    assert told == [("A-1001", D("10.00"))]


# what paid for them


@pytest.fixture
def bought_by_voucher(seller, gateway_settings):
    """A voucher of 50.00 that was bought with another one, and is active."""
    statuses = {"take_back": ["returned"], "refund": ["returned"]}
    gateway_settings(
        VOUCHERS_PAY_FOR_VOUCHERS=True,
        ON_STATUS={"field": "status", **statuses},
        EVENTS={"refund": "tests.shop.signals.returned", "cancel": "tests.shop.signals.aborted"},
    )
    seller.voucher("50.00")
    order = seller.order("50.00", note="a=50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    gateway.activate(order)
    return order


def returned_in_transaction(order):
    order.status = "returned"
    with transaction.atomic():
        order.save()
        assert order.voucher_refunded == D("0.00")


def test_by_status_the_refund_follows_in_the_same_transaction_once_it_is_taken_back(
    seller, bought_by_voucher, caplog
):
    returned_in_transaction(bought_by_voucher)
    check(seller, sale(), "taken_back")
    assert bought_by_voucher.voucher_refunded == D("50.00")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_by_status_nothing_is_refunded_where_the_voucher_was_spent(seller, bought_by_voucher):
    spend(seller)
    returned_in_transaction(bought_by_voucher)
    settle_all(seller)
    assert (sale().status, bought_by_voucher.voucher_refunded) == ("active", D("0.00"))


@pytest.mark.parametrize("name", ["returned", "aborted"])
def test_no_event_gives_back_what_paid_for_a_voucher_that_is_valid(seller, bought_by_voucher, name):
    spend(seller)
    event = getattr(signals, name)
    seller.calls()
    with pytest.raises(WrongStateError, match="take them back first") as refused:
        event.send(sender=None, order=bought_by_voucher)
    assert (refused.value.code, seller.calls()) == ("sold_vouchers_valid", [])
    assert bought_by_voucher.voucher_refunded == D("0.00")


def test_an_amount_is_the_shops_own_decision(seller, bought_by_voucher):
    spend(seller)
    signals.returned.send(sender=None, order=bought_by_voucher, amount=D("30.00"))
    assert bought_by_voucher.voucher_refunded == D("30.00")


def test_the_goods_beside_a_spent_voucher_are_refunded_by_the_event(seller, gateway_settings):
    """As a voucher may not pay for a voucher, what paid for it is not among what is refunded."""
    gateway_settings(EVENTS={"refund": "tests.shop.signals.returned"})
    seller.voucher("20.00")
    order = seller.order("70.00", note="a=50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    gateway.activate(order)
    spend(seller)
    attempt(gateway.take_back, order)
    signals.returned.send(sender=None, order=order)
    assert (order.voucher_refunded, sale().status) == (D("20.00"), "active")
