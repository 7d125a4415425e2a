"""Lines that change after their vouchers were sold: nothing is sold twice, and every difference is reported."""

import logging

import pytest
from django.core import mail
from django.db import transaction

from tests.gateway.sales import check, settle_all, worth
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import WrongStateError


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


@pytest.fixture
def order(seller):
    """A paid order that has sold its voucher."""
    order = seller.order("50.00", note="1=50.00")
    gateway.activate(order)
    return order


def change(order, note):
    order.note = note
    order.save()


@pytest.mark.parametrize("verb", [gateway.issue, gateway.activate])
@pytest.mark.parametrize("note", ["2=50.00", "2=20.00", "2=50.00 3=50.00"])
def test_a_line_under_another_key_is_sold_no_second_time(seller, order, verb, note):
    change(order, note)
    seller.calls()
    with pytest.raises(WrongStateError, match="no line has the key '1' any more") as refused:
        verb(order)
    assert (refused.value.code, refused.value.money_moved) == ("line_key_changed", "no")
    assert seller.calls() == []
    check(seller, order.voucher_sales.get(), "active")


def test_a_line_that_is_added_is_sold(seller, order):
    change(order, "1=50.00 2=20.00")
    gateway.activate(order)
    assert (worth(seller), len(mail.outbox)) == (7000, 2)


def test_a_line_that_is_taken_off_leaves_its_voucher_active(seller, order):
    change(order, "")
    assert [sale.status for sale in gateway.activate(order)] == []
    assert worth(seller) == 5000


def test_once_the_voucher_was_taken_back_another_one_is_sold(seller, order):
    change(order, "2=20.00")
    gateway.take_back(order.voucher_sales.get(key="1"), actor="mia")
    settle_all(seller)
    gateway.activate(order)
    assert worth(seller) == 2000


def test_before_the_payment_lines_may_be_written_again(seller):
    order = seller.order("50.00", note="1=50.00")
    gateway.issue(order)
    change(order, "2=50.00")
    gateway.activate(order)
    assert (worth(seller), len(mail.outbox)) == (5000, 1)


def test_by_a_status_it_is_logged_and_the_order_is_saved(seller, order, gateway_settings, caplog):
    gateway_settings(ON_STATUS={"field": "status", "activate": ["paid", "completed"]}, EVENTS={})
    order.status = "paid"
    change(order, "2=50.00")
    order.refresh_from_db()
    assert (order.status, order.note, worth(seller)) == ("paid", "2=50.00", 5000)
    (record,) = [each for each in caplog.records if each.name == "voucher_payment_gateway"]
    assert record.levelno == logging.ERROR


def test_in_the_form_of_a_clerk_the_lines_come_after_the_order(seller, order, gateway_settings, caplog):
    gateway_settings(ON_STATUS={"field": "status", "activate": ["paid"]}, EVENTS={})
    with transaction.atomic():
        order.status = "paid"
        order.save()
        type(order).objects.update(note="2=50.00")
    assert worth(seller) == 5000
    assert "could not be changed: line_key_changed" in caplog.text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"note": "1=80.00"}, "its line says 80.00 EUR now. Top it up, or take it back"),
        ({"note": "1=20.00"}, "its line says 20.00 EUR now. Top it up, or take it back"),
        ({"currency": "CHF"}, "its line says 50.00 CHF now. Top it up, or take it back"),
        ({"note": ""}, "no line has the key '1' any more. If it was returned, take it back"),
    ],
)
def test_an_order_that_is_changed_after_its_payment_is_told_once_a_day(seller, order, caplog, changes, told):
    type(order).objects.update(**changes)
    order.refresh_from_db()
    for _ in range(3):
        gateway.activate(order)
    (message,) = caplog.messages
    assert message.startswith("order A-1001: its gift voucher …")
    assert f"over 50.00 EUR is active and stays so, but {told}" in message
    assert worth(seller) == 5000


def test_a_line_whose_voucher_was_topped_up_by_the_difference_is_as_it_was_sold(seller, order, caplog):
    change(order, "1=80.00")
    gateway.top_up(order.voucher_sales.get(), "30.00", key="line-1")
    gateway.activate(order)
    assert caplog.messages == []


def test_a_returned_voucher_needs_no_line_any_more(seller, order, caplog):
    gateway.take_back(order)
    settle_all(seller)
    change(order, "")
    gateway.activate(order)
    assert [text for text in caplog.messages if "no line has the key" in text] == []


def test_the_log_and_the_error_name_a_cure_each(seller, order, caplog):
    change(order, "1=80.00")
    gateway.activate(order)
    hint = order.voucher_sales.get().code_hint
    (told,) = caplog.messages
    assert told == (
        f"order A-1001: its gift voucher …{hint} over 50.00 EUR is active and stays so, but its line says 80.00 EUR "
        "now. Top it up, or take it back and give the line a new key"
    )
    change(order, "2=80.00")
    with pytest.raises(WrongStateError) as refused:
        gateway.activate(order)
    assert str(refused.value) == (
        f"order A-1001: no line has the key '1' any more, and its gift voucher …{hint} is active: another one is not "
        "sold in its place. Give a line the same key at every call, or take the voucher back first. Nothing was sent."
    )


@pytest.mark.parametrize("is_new_key_first", [True, False])
@pytest.mark.parametrize("take_back", [lambda order: order, lambda order: order.voucher_sales.get()])
def test_taken_back_and_under_a_new_key_it_is_sold_for_its_new_amount(
    seller, order, take_back, is_new_key_first
):
    """As the log and the error say, in either order."""
    change(order, "1=80.00")
    if is_new_key_first:
        change(order, "2=80.00")
    gateway.take_back(take_back(order))
    change(order, "2=80.00")
    for _ in range(2):
        gateway.activate(order)
    assert (worth(seller), len(mail.outbox)) == (8000, 2)
    assert [(sale.key, sale.status) for sale in order.voucher_sales] == [("1", "taken_back"), ("2", "active")]


@pytest.mark.parametrize("is_paid", ["", "tests.shop.sold.is_paid", "tests.gateway.test_line_keys.was_paid"])
def test_a_returned_order_is_sold_again_under_a_new_key_as_documented(shop, gateway_settings, is_paid):
    statuses = {"field": "status", "activate": ["paid"], "take_back": ["returned"]}
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers", ON_STATUS=statuses, ORDER_IS_PAID=is_paid)
    order = shop.order("50.00", note="1=50.00")
    for status, note in (("paid", "1"), ("returned", "1"), ("returned", "2"), ("paid", "2"), ("paid", "2")):
        order.status = status
        change(order, f"{note}=50.00")
    assert [(sale.key, sale.status) for sale in order.voucher_sales] == [("1", "taken_back"), ("2", "active")]
    assert (worth(shop), len(mail.outbox)) == (5000, 2)


def was_paid(order):
    """A shop that looks at when an order was paid, not at what became of it."""
    return order.status in ("paid", "returned")
