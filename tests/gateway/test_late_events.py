"""Signals alone drive the sale: what comes after a return, late or again, sells nothing of the returned order."""

import logging

import pytest
from django.core import mail
from django.db import transaction

from tests.gateway.sales import check, remote_of, settle_all
from tests.gateway.test_sale_races import at_once
from tests.shop import signals, sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.gateway.verbs import note_return, sell, write_sales
from voucher_payment_gateway.models import VoucherSale

EVENTS = {
    "issue": "tests.shop.signals.confirmed",
    "activate": "tests.shop.signals.shipped",
    "take_back": "tests.shop.signals.returned",
}


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers", EVENTS=EVENTS, ON_STATUS={})
    return shop


@pytest.fixture
def order(seller):
    return seller.order("50.00", note="a=50.00")


def pay(order):
    signals.shipped.send(sender=None, order=order)


def give_back(order):
    signals.returned.send(sender=None, order=order, reason="by hand")


def nothing_is_sold(seller, number="A-1001"):
    settle_all(seller)
    assert [sale.status for sale in VoucherSale.objects.all()] in (["taken_back"], ["taken_back"] * 2)
    assert (remote_of(seller, number), mail.outbox) == ([], [])
    assert not VoucherSale.objects.filter(due_at__isnull=False).exists()
    return True


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


BEFORE_IT_READS, BEFORE_IT_WRITES = (sell, "write_sales"), (write_sales, "voucher_ids_for")


@pytest.mark.parametrize("moment", [BEFORE_IT_READS, BEFORE_IT_WRITES], ids=["reads", "writes"])
def test_a_frozen_worker_sells_nothing_of_an_order_that_came_back(seller, order, frozen, caplog, moment):
    frozen(*moment, lambda: give_back(order))
    pay(order)
    pay(order)
    assert nothing_is_sold(seller)
    sale = VoucherSale.objects.get()
    assert (sale.end_reason, sale.reason, sale.recipient_email) == ("returned", "by hand", "")
    (warning,) = warnings_of(caplog)
    assert "was taken back and is not sold again" in warning


def test_without_that_row_a_frozen_worker_sells_a_voucher_that_stays_valid(
    seller, order, frozen, monkeypatch
):
    monkeypatch.setattr("voucher_payment_gateway.gateway.verbs.take_back.note_return", lambda *_: [])
    frozen(*BEFORE_IT_WRITES, lambda: give_back(order))
    pay(order)
    settle_all(seller)
    check(seller, VoucherSale.objects.get(), "active")


def test_a_sale_that_is_written_while_it_is_taken_back_is_taken_back(seller, order, frozen):
    frozen(note_return, "voucher_ids_for", lambda: pay(order))
    give_back(order)
    settle_all(seller)
    check(seller, VoucherSale.objects.get(), "taken_back")


def test_both_at_once_end_on_one_side(seller, order):
    at_once(*[lambda: pay(order), lambda: give_back(order)] * 3)
    settle_all(seller)
    assert [sale.status for sale in VoucherSale.objects.all()] == ["taken_back"]
    assert all(each.deleted for each in remote_of(seller, order.number))


def test_an_event_that_comes_late_to_an_order_whose_first_sale_was_given_up_sells_nothing(seller, order):
    gateway.issue(order)
    seller.later(days=20)
    settle_all(seller)
    give_back(order)
    pay(order)
    settle_all(seller)
    assert {(each.status, each.end_reason) for each in VoucherSale.objects.all()} == {
        ("taken_back", "unpaid"),
        ("taken_back", "returned"),
    }
    assert ([each.deleted for each in remote_of(seller, order.number)], mail.outbox) == ([True], [])


def test_one_that_was_given_up_is_sold_once_its_order_is_paid(seller, order):
    gateway.issue(order)
    seller.later(days=20)
    settle_all(seller)
    pay(order)
    assert VoucherSale.objects.standing().get().status == "active"


@pytest.mark.parametrize("first", [None, gateway.issue])
@pytest.mark.parametrize("moment", [BEFORE_IT_READS, BEFORE_IT_WRITES], ids=["reads", "writes"])
def test_an_order_that_was_cancelled_unpaid_is_sold_once_it_is_paid_and_not_by_a_frozen_worker(
    seller, order, frozen, caplog, gateway_settings, first, moment
):
    """The shop's ``ORDER_IS_PAID`` says of the cancelled order that it is not paid."""
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    for verb in [first] if first else []:
        verb(order)

    def cancel():
        type(order).objects.filter(pk=order.pk).update(status="cancelled")
        give_back(type(order).objects.get(pk=order.pk))

    order.status = "paid"
    frozen(*moment, cancel) if moment is BEFORE_IT_READS or not first else cancel()
    pay(order)
    settle_all(seller)
    assert not VoucherSale.objects.exclude(status="taken_back").exists()
    assert (mail.outbox, [each for each in remote_of(seller, order.number) if not each.deleted]) == ([], [])
    assert any("as it is stored now it is not paid" in warning for warning in warnings_of(caplog))
    order.save()
    pay(order)
    standing = VoucherSale.objects.standing().get()
    assert (standing.status, len(mail.outbox)) == ("active", 1)


@pytest.mark.parametrize("note", ["a-1=50.00 a-2=50.00", "b=50.00"])
def test_a_worker_that_has_read_other_lines_sells_none_of_them(seller, order, frozen, caplog, note):
    stale = type(order).objects.get(pk=order.pk)
    stale.note = note
    frozen(*BEFORE_IT_READS, lambda: give_back(order))
    pay(stale)
    assert nothing_is_sold(seller)
    assert any("as it is stored now it names other ones" in warning for warning in warnings_of(caplog))


def with_status(order, status):
    type(order).objects.filter(pk=order.pk).update(status=status)
    return type(order).objects.get(pk=order.pk)


def test_one_that_was_cancelled_unpaid_then_paid_and_returned_is_not_sold(
    seller, order, frozen, gateway_settings
):
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    give_back(with_status(order, "cancelled"))
    paid = with_status(order, "paid")
    frozen(*BEFORE_IT_WRITES, lambda: give_back(with_status(order, "returned")))
    pay(paid)
    assert nothing_is_sold(seller)


@pytest.mark.parametrize("moment", [BEFORE_IT_READS, BEFORE_IT_WRITES])
def test_a_status_says_that_the_order_is_not_paid_where_nothing_else_does(
    shop, frozen, gateway_settings, moment
):
    gateway_settings(
        SOLD_VOUCHERS="tests.shop.sold.vouchers",
        EVENTS={"take_back": "tests.shop.signals.returned"},
        ON_STATUS={"field": "status", "activate": ["paid"]},
    )
    order = shop.order("50.00", note="a=50.00")
    frozen(*moment, lambda: give_back(with_status(order, "cancelled")))
    order.status = "paid"
    order.save()
    assert nothing_is_sold(shop)


def test_a_line_that_replaces_one_taken_back_is_sold(seller, order):
    pay(order)
    order.note = "b=50.00"
    order.save()
    gateway.take_back(order)
    pay(order)
    settle_all(seller)
    assert [sale.key for sale in VoucherSale.objects.filter(status="active")] == ["b"]


def test_the_shop_can_sell_a_returned_order_again_under_a_new_key(seller, order):
    give_back(order)
    order.note = "b=50.00"
    order.save()
    pay(order)
    statuses = VoucherSale.objects.order_by("key").values_list("key", "status")
    assert list(statuses) == [("a", "taken_back"), ("b", "active")]


def test_an_issue_that_comes_late_creates_nothing(seller, order, caplog):
    give_back(order)
    signals.confirmed.send(sender=None, order=order)
    assert nothing_is_sold(seller)
    assert len(warnings_of(caplog)) == 1


def test_a_return_that_is_rolled_back_decides_nothing(seller, order):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        give_back(order)
        raise ZeroDivisionError
    pay(order)
    check(seller, VoucherSale.objects.get(), "active")


def test_a_return_of_an_order_that_sells_none_leaves_no_row(seller):
    give_back(seller.order("50.00"))
    assert not VoucherSale.objects.exists()


def test_where_the_shop_cannot_say_what_it_sells_the_others_are_taken_back(
    seller, order, caplog, monkeypatch
):
    pay(order)
    monkeypatch.setattr(sold, "vouchers", lambda order: 1 / 0)
    give_back(order)
    check(seller, VoucherSale.objects.get(), "taken_back")
    assert any(
        "which gift vouchers it sells is not known (ZeroDivisionError)" in text for text in caplog.messages
    )


def test_a_paid_order_is_still_refused_where_it_is_not_paid(seller, order, gateway_settings):
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    give_back(order)
    with pytest.raises(WrongStateError) as refused:
        pay(order)
    assert refused.value.code == "not_paid"
