"""With ``SHOW_BALANCE``, whoever holds a voucher sees what is left on it after the order, and how long it is valid."""

import pytest

from tests.checkout.test_block import block
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import balance
from voucher_payment_gateway.checkout.wording import last_day_text

JSON = {"accept": "application/json"}
STATE, APPLY = "/vouchers/state/", "/vouchers/apply/"


@pytest.fixture(autouse=True)
def _no_failed_read_before():
    balance.failed_at.clear()


@pytest.fixture
def voucher(shop):
    return shop.voucher("50.00", code="GIFT-5000")


@pytest.fixture
def order(shop, voucher):
    return shop.order("20.00")


def behave(shop, gateway_settings, *, lowers, known=True):
    shop.cloud.behaviour = shop.cloud.behaviour.but(open_reservation_lowers_balance=lowers)
    behaviour = {"open_reservation_lowers_balance": lowers} if known else {}
    gateway_settings(SHOW_BALANCE=True, API_BEHAVIOUR=behaviour)


@pytest.mark.parametrize("lowers", [True, False])
def test_what_is_left_is_shown_whether_a_reservation_lowers_the_balance_or_not(
    shop, order, voucher, gateway_settings, lowers
):
    behave(shop, gateway_settings, lowers=lowers)
    gateway.authorize(order, voucher.code)
    html = block(order)
    assert "€30.00 left on it after this order." in html
    assert "At least" not in html
    assert f"Valid until {last_day_text(voucher.valid_until)}." in html


@pytest.mark.parametrize(("lowers", "least"), [(True, "€10.00"), (False, "€30.00")])
def test_it_is_told_as_a_minimum_where_that_is_not_known(
    shop, order, voucher, gateway_settings, lowers, least
):
    behave(shop, gateway_settings, lowers=lowers, known=False)
    gateway.authorize(order, voucher.code)
    assert f"At least {least} left on it after this order." in block(order)


def test_a_minimum_of_nothing_says_nothing(shop, gateway_settings):
    behave(shop, gateway_settings, lowers=True, known=False)
    order = shop.order("50.00")
    gateway.authorize(order, shop.voucher("20.00", code="GIFT-2000").code)
    html = block(order)
    assert "left on it" not in html
    assert "Valid until" in html


def test_an_empty_one_is_told_where_it_is_known(shop, gateway_settings):
    behave(shop, gateway_settings, lowers=False)
    order = shop.order("50.00")
    gateway.authorize(order, shop.voucher("20.00", code="GIFT-2000").code)
    assert "€0.00 left on it after this order." in block(order)


def test_it_costs_one_read_for_each_and_the_reservation_stays_one_call(
    shop, visit, order, voucher, gateway_settings
):
    behave(shop, gateway_settings, lowers=False)
    shop.calls()
    told = visit(order).post(APPLY, {"code": voucher.code}, headers=JSON).json()
    assert [method for method, _ in shop.calls()] == ["POST", "GET"]
    [line] = told["order"]["vouchers"]
    assert line["left"] == "30.00"
    assert line["valid_until"].startswith(f"{voucher.valid_until:%Y-%m-%d}")


def test_without_the_setting_nothing_is_read_or_shown(shop, visit, order, voucher):
    gateway.authorize(order, voucher.code)
    shop.calls()
    assert "left on it" not in block(order)
    [line] = visit(order).get(STATE, headers=JSON).json()["order"]["vouchers"]
    assert not {"left", "valid_until"} & set(line)
    assert shop.calls() == []


def test_only_what_is_held_is_read(shop, order, voucher, gateway_settings):
    behave(shop, gateway_settings, lowers=False)
    gateway.authorize(order, voucher.code)
    shop.later(minutes=31)
    shop.calls()
    assert "left on it" not in block(order)
    assert shop.calls() == []


@pytest.mark.parametrize("fault", ["before:503", "before:403", "after:garbage", "after:drop"])
def test_a_balance_that_cannot_be_read_is_left_out_and_not_asked_for_again_at_once(
    shop, order, voucher, gateway_settings, fault
):
    behave(shop, gateway_settings, lowers=False)
    gateway.authorize(order, voucher.code)
    shop.cloud.faults.next(fault, path=f"*/vouchers/{voucher.id}", times=None)
    assert "€20.00" in block(order)
    assert "left on it" not in block(order)
    shop.calls()
    block(order)
    assert shop.calls() == []


def test_a_stranger_s_block_says_nothing(shop, order, voucher, gateway_settings):
    behave(shop, gateway_settings, lowers=False)
    gateway.authorize(order, voucher.code)
    shop.calls()
    assert "left on it" not in block(shop.order("20.00", number="A-2"))
    assert shop.calls() == []


def test_a_page_that_is_loaded_again_and_again_asks_once(shop, order, voucher, gateway_settings):
    behave(shop, gateway_settings, lowers=True)
    gateway.authorize(order, voucher.code)
    pages = {block(order)}
    shop.calls()
    pages |= {block(order) for _ in range(3)}
    assert shop.calls() == []
    assert "€30.00 left on it" in pages.pop()
    gateway.authorize(order, voucher.code, amount="10.00")
    assert "€40.00 left on it" in block(order)
