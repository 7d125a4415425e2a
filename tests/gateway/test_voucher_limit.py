"""Reasons in our own rows to refuse one more voucher on an order, before anything is sent."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import CurrencyMismatchError, VoucherUnusableError, WrongStateError
from voucher_payment_gateway.models import VoucherPayment

CODES = [f"GIFT-{number}" for number in range(1, 6)]


@pytest.fixture
def order(shop, gateway_settings):
    gateway_settings(VOUCHERS_PER_ORDER=3)
    for code in CODES:
        shop.voucher("5.00", code=code)
    return shop.order("50.00")


def test_one_voucher_more_than_allowed_is_refused_and_nothing_is_sent(shop, order):
    for code in CODES[:3]:
        gateway.authorize(order, code)
    shop.calls()
    for verb in (gateway.authorize, gateway.select):
        with pytest.raises(WrongStateError, match=r"A-1001.*3 gift vouchers") as caught:
            verb(order, CODES[3])
        assert caught.value.code == "too_many_vouchers"
    assert shop.calls() == []
    assert order.voucher_payments.count() == 3


def test_those_that_are_there_may_be_entered_again(order):
    payments = [gateway.authorize(order, code) for code in CODES[:3]]
    assert gateway.authorize(order, CODES[0]).pk == payments[0].pk
    assert gateway.select(order, CODES[1]).pk == payments[1].pk


def test_one_that_was_taken_off_makes_room(order):
    payments = [gateway.authorize(order, code) for code in CODES[:3]]
    gateway.cancel(payments[1])
    assert gateway.authorize(order, CODES[3]).amount_authorized == 5


@pytest.mark.parametrize("stands", ["selected", "captured", "lapsed"])
def test_what_is_selected_charged_or_comes_back_counts(shop, order, stands):
    for code in CODES[:3]:
        (gateway.select if stands == "selected" else gateway.authorize)(order, code)
    if stands == "captured":
        gateway.capture(order)
    elif stands == "lapsed":
        order.voucher_payments.update(status="lapsed", amount_authorized=0)
    with pytest.raises(WrongStateError, match="3 gift vouchers"):
        gateway.authorize(order, CODES[3])


def test_what_lapsed_for_good_does_not_count(order):
    for code in CODES[:3]:
        gateway.authorize(order, code)
    order.voucher_payments.update(status="lapsed", amount_authorized=0, sealed_code="")
    assert gateway.authorize(order, CODES[3]).status == "authorized"


def test_five_at_the_same_moment_are_no_way_around(order):
    def try_one(code):
        try:
            return gateway.authorize(order, code).status
        except WrongStateError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        seen = sorted(pool.map(try_one, CODES))
    assert seen == ["authorized"] * 3 + ["too_many_vouchers"] * 2
    assert order.voucher_authorized == 15


def test_a_voucher_that_this_order_held_before_has_a_known_currency(shop, order):
    gateway.cancel(gateway.authorize(order, CODES[0]))
    order.currency = "GBP"
    order.save()
    shop.calls()
    for verb in (gateway.authorize, gateway.select):
        with pytest.raises(CurrencyMismatchError, match=r"…T-1 is held in EUR\. Nothing was sent"):
            verb(order, CODES[0])
    assert shop.calls() == []


def test_one_that_lapsed_here_is_not_held_again_in_another_currency(shop, order):
    gateway.authorize(order, CODES[0])
    order.voucher_payments.update(status="lapsed", amount_authorized=0, sealed_code="")
    order.currency = "GBP"
    order.save()
    shop.calls()
    with pytest.raises(CurrencyMismatchError):
        gateway.authorize(order, CODES[0])
    assert shop.calls() == []


def test_what_other_orders_know_of_a_code_is_not_told(shop, order):
    """The visitor may have guessed the code, but not its PIN."""
    shop.voucher("5.00", code="GIFT-PIN", pin="2468")
    gateway.cancel(gateway.authorize(order, "GIFT-PIN", pin="2468"))
    other = shop.order(number="A-2", currency="GBP")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(other, "GIFT-PIN")


@pytest.mark.parametrize(("taxable", "held"), [(True, False), (None, False), (False, True)])
def test_a_shop_that_refuses_vat_paid_at_the_sale_refuses_what_may_be_such_a_voucher(
    shop, gateway_settings, caplog, taxable, held
):
    gateway_settings(TAXABLE_VOUCHERS="refuse")
    voucher = shop.voucher("20.00", code="GIFT-2000")
    shop.cloud.store.voucher(voucher.id).taxable = taxable
    order = shop.order("50.00")
    gateway.select(order, "GIFT-2000")
    with caplog.at_level(logging.WARNING, "voucher_payment_gateway"):
        if held:
            [payment] = gateway.authorize_selected(order)
            assert payment.taxable is False
        else:
            with pytest.raises(VoucherUnusableError) as caught:
                gateway.authorize_selected(order)
            assert caught.value.code == "taxable_voucher"
            assert not VoucherPayment.objects.filter(status="authorized").exists()
    assert ("does not say" in caplog.text) == (taxable is None)
    assert "GIFT" not in caplog.text


def test_a_shop_that_accepts_them_accepts_those_of_which_nothing_is_known(shop):
    voucher = shop.voucher("20.00", code="GIFT-2000")
    shop.cloud.store.voucher(voucher.id).taxable = None
    assert gateway.authorize(shop.order("50.00"), "GIFT-2000").taxable is None
