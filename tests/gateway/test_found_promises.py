"""What confirmed orders count on, while another order does something at the same moment or out of order."""

from contextlib import suppress
from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import InsufficientBalanceError, WrongStateError
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-8000-ABCD"


def payment_of(order):
    return VoucherPayment.objects.filter(order_number=order.number).latest("pk")


def confirm(order):
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)


def test_two_orders_agree_on_no_more_than_the_balance_where_one_grows_while_the_other_is_confirmed(
    shop, during
):
    shop.voucher("80.00", code=CODE)
    first, second = shop.order("30.00", "A-1001"), shop.order("50.00", "A-1002")
    confirm(first)
    gateway.select(second, CODE)

    def grow():
        first.total = D("60.00")
        first.save()
        gateway.authorize_selected(first)

    during("reserve", grow)
    gateway.authorize_selected(second)
    assert (payment_of(first).amount_agreed, payment_of(second).amount_agreed) == (D("60.00"), D("20.00"))


@pytest.mark.parametrize(("balance", "agreed"), [("50.00", "0.00"), ("80.00", "30.00")])
def test_two_orders_agree_on_no_more_than_the_balance_where_one_is_confirmed_while_its_hold_is_taken_over(
    shop, during, balance, agreed
):
    """Its hold was known before, its confirmation was not."""
    voucher = shop.voucher(balance, code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    gateway.authorize(first, CODE)
    gateway.select(second, CODE)
    during("reserve", lambda: gateway.authorize_selected(first))
    with suppress(InsufficientBalanceError):
        gateway.authorize_selected(second)
    assert [payment_of(order).amount_agreed for order in (first, second)] == [D("50.00"), D(agreed)]
    gateway.capture(first)
    with suppress(WrongStateError):
        gateway.capture(second)
    assert sum(amount for _, amount in shop.bookings(voucher)) == D("50.00") + D(agreed)


def test_an_order_whose_hold_is_taken_over_by_a_code_while_it_is_confirmed_keeps_what_it_agreed(shop, during):
    shop.voucher("80.00", code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    gateway.authorize(first, CODE)
    during("reserve", lambda: gateway.authorize_selected(first))
    assert gateway.authorize(second, CODE).amount_authorized == D("30.00")
    assert payment_of(first).amount_agreed == D("50.00")


def test_a_balance_that_was_read_while_the_other_order_was_charged_is_read_again(shop, during):
    shop.voucher("80.00", code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("30.00", "A-1002")
    confirm(first)
    gateway.select(second, CODE)
    during("get_voucher", lambda: gateway.capture(first))
    gateway.authorize_selected(second)
    assert payment_of(second).amount_agreed == D("30.00")


def test_an_order_that_was_never_confirmed_is_not_charged_what_a_confirmed_one_counts_on(shop):
    voucher = shop.voucher("50.00", code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    gateway.authorize(second, CODE)
    confirm(first)
    assert payment_of(second).status == "lapsed"
    with pytest.raises(InsufficientBalanceError) as caught:
        gateway.capture(second)
    assert (caught.value.code, second.voucher_due) == ("promised_elsewhere", D("50.00"))
    gateway.capture(first)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
    assert payment_of(first).status == "captured"


def test_an_order_that_was_never_confirmed_is_charged_what_a_confirmed_one_leaves(shop):
    voucher = shop.voucher("80.00", code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("30.00", "A-1002")
    gateway.authorize(second, CODE)
    confirm(first)
    gateway.capture(second)
    gateway.capture(first)
    assert sorted(shop.bookings(voucher)) == [("charge", D("30.00")), ("charge", D("50.00"))]


@pytest.mark.parametrize("lowers", [True, False])
def test_the_hold_of_the_order_itself_is_not_taken_for_spent_when_it_is_confirmed(
    shop, gateway_settings, lowers
):
    shop.cloud.behaviour = shop.cloud.behaviour.but(open_reservation_lowers_balance=lowers)
    gateway_settings(API_BEHAVIOUR={"open_reservation_lowers_balance": lowers})
    shop.voucher("80.00", code=CODE)
    first, second = shop.order("30.00", "A-1001"), shop.order("30.00", "A-1002")
    confirm(first)
    confirm(second)
    assert payment_of(second).amount_agreed == D("30.00")
    second.total = D("50.00")
    second.save()
    gateway.authorize_selected(second)
    assert payment_of(second).amount_agreed == D("50.00")


def test_a_code_that_is_selected_again_does_not_revive_an_agreement_that_had_ended(shop, record_signal):
    voucher = shop.voucher("50.00", code=CODE)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    lapsed = record_signal("payment_lapsed")
    confirm(first)
    shop.later(days=31)
    gateway.settle()
    confirm(second)
    gateway.select(first, CODE)
    gateway.settle()
    assert (first.voucher_due, second.voucher_due) == (D("50.00"), 0)
    assert lapsed == [("A-1001", D("50.00"))]
    gateway.capture(second)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_a_code_that_is_selected_again_after_the_agreement_has_ended_is_confirmed_again(shop):
    voucher = shop.voucher("50.00", code=CODE)
    order = shop.order("50.00")
    confirm(order)
    shop.later(days=31)
    gateway.settle()
    gateway.select(order, CODE)
    gateway.settle()
    assert len(VoucherPayment.objects.all().needing_attention()) == 1
    gateway.authorize_selected(order)
    assert order.voucher_due == 0
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
