"""A line of several vouchers of which one is taken back alone: the others stay sold, whatever its quantity is then."""

import pytest
from django.core import mail

from tests.gateway.sales import settle_all, status_by_key, worth
from tests.shop import sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.models import VoucherSale


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    yield shop
    sold.DETAILS.clear()


@pytest.fixture
def order(seller):
    return seller.order("150.00", note="a=50.00")


def sells(quantity):
    sold.DETAILS["a"] = {"quantity": quantity}


def return_alone(order, *keys):
    for key in keys:
        gateway.take_back(order.voucher_sales.standing().get(key=key), actor="clerk")


@pytest.mark.parametrize(
    ("before", "returned", "after"), [(2, ["a-1"], 1), (3, ["a-1"], 2), (3, ["a-1", "a-2"], 1)]
)
def test_those_that_were_not_returned_become_valid_with_the_payment(
    seller, order, caplog, before, returned, after
):
    sells(before)
    gateway.issue(order)
    return_alone(order, *returned)
    sells(after)
    for _ in range(2):
        gateway.activate(order)
    assert (worth(seller), len(mail.outbox), caplog.messages) == (after * 5000, after, [])


@pytest.mark.parametrize(("before", "after", "surplus"), [(2, 1, 0), (3, 1, 1)])
def test_after_the_payment_only_a_surplus_is_told(seller, order, caplog, before, after, surplus):
    sells(before)
    gateway.activate(order)
    return_alone(order, "a-1")
    sells(after)
    gateway.activate(order)
    assert (worth(seller), len(mail.outbox)) == ((before - 1) * 5000, before)
    assert ["no line has the key 'a-3' any more" in text for text in caplog.messages] == [True] * surplus


def test_one_that_was_sold_alone_before_the_quantity_grew_is_not_preferred_either(seller, order):
    sells(1)
    gateway.issue(order)
    sells(2)
    gateway.issue(order)
    return_alone(order, "a")
    sells(1)
    gateway.activate(order)
    assert status_by_key(order) == {"a": "taken_back", "a-2": "active"}


def test_a_quantity_that_stays_sells_none_in_place_of_the_returned_one(seller, order, caplog):
    sells(2)
    gateway.issue(order)
    return_alone(order, "a-1")
    gateway.activate(order)
    assert status_by_key(order) == {"a-1": "taken_back", "a-2": "active"}
    assert [text for text in caplog.messages if "is not sold again" in text]


@pytest.fixture
def given_up(seller, order):
    """One of two came back alone, the other one was given up as unpaid."""
    sells(2)
    gateway.issue(order)
    return_alone(order, "a-1")
    seller.later(days=15)
    gateway.settle()
    gateway.settle()
    assert VoucherSale.objects.get(key="a-2").end_reason == "unpaid"
    return order


@pytest.mark.parametrize("quantity", [1, 2])
def test_one_that_was_given_up_is_sold_once_the_rest_is_paid(seller, given_up, quantity):
    sells(quantity)
    for _ in range(2):
        gateway.activate(given_up)
    assert (worth(seller), len(mail.outbox)) == (5000, 1)


def test_one_that_was_given_up_is_refused_as_long_as_the_rest_is_not_paid(given_up, gateway_settings):
    sells(1)
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    with pytest.raises(WrongStateError, match="is not paid"):
        gateway.activate(given_up)


@pytest.mark.parametrize("quantity", [1, 2])
def test_one_that_was_given_up_is_not_sold_once_the_rest_came_back(seller, given_up, quantity):
    sells(quantity)
    gateway.take_back(given_up)
    gateway.activate(given_up)
    assert (worth(seller), mail.outbox) == (0, [])


def test_of_two_that_were_given_up_the_one_that_is_wanted_no_more_follows_no_return(seller, order):
    sells(2)
    gateway.issue(order)
    seller.later(days=15)
    gateway.settle()
    sells(1)
    gateway.activate(order)
    gateway.take_back(order)
    gateway.activate(order)
    settle_all(seller)
    assert (worth(seller), len(mail.outbox)) == (0, 1)


def test_with_another_amount_the_ones_that_were_not_returned_are_sold_for_it(seller, order):
    sells(3)
    gateway.issue(order)
    return_alone(order, "a-1")
    sells(2)
    order.note = "a=40.00"
    order.save()
    gateway.activate(order)
    assert (worth(seller), len(mail.outbox)) == (8000, 2)


def test_an_event_that_comes_again_after_the_refund_is_no_mistake(seller, order, gateway_settings):
    """All that the line has now is sold: nothing is left that could be refused as not paid."""
    sells(2)
    gateway.activate(order)
    return_alone(order, "a-1")
    sells(1)
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    gateway.activate(order)
    assert status_by_key(order) == {"a-1": "taken_back", "a-2": "active"}


def test_lines_with_numbered_keys_of_their_own_are_not_taken_for_one_another(seller):
    order = seller.order("150.00", note="7-1=50.00 7-2=50.00 7-3=50.00")
    gateway.issue(order)
    return_alone(order, "7-1")
    order.note = "7-1=50.00 7-2=50.00"
    order.save()
    gateway.activate(order)
    assert status_by_key(order) == {"7-1": "taken_back", "7-2": "active"}
