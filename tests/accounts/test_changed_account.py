"""An order that moves to another merchant: what it has stays with the first one, and nothing is mixed."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from tests.accounts.conftest import CODE, calls
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.problems import problem_of
from voucher_payment_gateway.exceptions import CurrencyMismatchError, VoucherGatewayError, WrongStateError
from voucher_payment_gateway.models import VoucherPayment


@pytest.fixture
def moved(market):
    """An order that is held at north for 20.00 of 60.00, and belongs to south now."""
    market.vouchers("20.00", "50.00")
    market.vouchers("30.00", "30.00", code="GIFT-3000-EFGH")
    order = market.held("N-1")
    order.note = "south"
    order.save()
    calls(market.north), calls(market.south)
    return order


def test_it_is_charged_and_refunded_where_it_was_held(market, moved):
    gateway.capture(moved)
    gateway.refund(moved, D("5.00"))
    north = VoucherPayment.objects.get().voucher_id
    assert [(row.type, row.amount) for row in market.north.bookings(north)] == [
        ("charge", D("20.00")),
        ("refund", D("5.00")),
    ]
    assert calls(market.south) == []


@pytest.mark.parametrize("verb", [gateway.authorize, gateway.select])
def test_another_voucher_is_refused_while_the_first_merchants_pays(market, moved, verb):
    with pytest.raises(WrongStateError, match=r"'south'.*'north'.*cancel") as caught:
        verb(moved, "GIFT-3000-EFGH")
    assert caught.value.code == "order_account_changed"
    assert problem_of(caught.value).code == "order_account_changed"
    assert (calls(market.north), calls(market.south)) == ([], [])


def test_the_same_code_is_the_payment_that_is_there(market, moved):
    assert gateway.authorize(moved, CODE).account == "north"
    assert calls(market.south) == []


def test_once_it_is_cancelled_the_new_merchants_vouchers_pay(market, moved):
    gateway.cancel(moved)
    payment = gateway.authorize(moved, CODE)
    assert (payment.account, payment.amount_authorized) == ("south", D("50.00"))


def test_what_lapsed_and_lost_its_code_is_in_nobodys_way(market, moved):
    VoucherPayment.objects.update(
        confirmed_at=None, confirmation=None, code_kept_until=timezone.now() + timedelta(hours=24)
    )
    market.later(hours=26)
    gateway.settle()
    assert VoucherPayment.objects.get().sealed_code == ""
    payment = gateway.authorize(moved, CODE)
    assert (payment.account, payment.amount_authorized) == ("south", D("50.00"))
    assert [each.status for each in VoucherPayment.objects.order_by("pk")] == ["cancelled", "authorized"]


def test_a_confirmed_payment_that_lapsed_for_good_is_not_forgotten(market, moved):
    market.later(days=40)
    gateway.settle()
    gateway.settle()
    gateway.select(moved, CODE)
    former, now = VoucherPayment.objects.order_by("pk")
    assert (former.status, now.account) == ("failed", "south")


def test_a_confirmation_holds_it_where_it_was(market, moved):
    market.later(minutes=40)
    (payment,) = gateway.authorize_selected(moved)
    assert payment.account == "north"
    assert calls(market.south) == []
    gateway.capture(moved)
    assert [(row.type, row.amount) for row in market.north.bookings(payment.voucher_id)] == [
        ("charge", D("20.00"))
    ]


def test_a_voucher_id_that_both_merchants_gave_is_in_nobodys_way(market):
    """The order's rows are told apart by voucher id, too: what lapsed at the first merchant gives its place up."""
    market.north.add_voucher(code="GIFT-A", id="same-id", amount="5.00")
    market.south.add_voucher(code="GIFT-B", id="same-id", amount="5.00")
    order = market.order("N-1", "5.00")
    gateway.authorize(order, "GIFT-A")
    market.later(hours=2)
    gateway.settle()
    VoucherPayment.objects.update(sealed_code="")
    order.note = "south"
    assert gateway.authorize(order, "GIFT-B").account == "south"


def spend(cloud, amount):
    cloud.charge(cloud.reserve(CODE, amount), "TILL-1")


def test_the_same_code_at_the_new_merchant_covers_nothing_that_the_first_ones_still_owes(market, moved):
    """The first merchant's voucher was emptied by a till: that payment failed, and stays on the list of a person."""
    market.later(minutes=40)
    spend(market.north, "20.00")
    with pytest.raises(VoucherGatewayError):
        gateway.capture(moved)
    payment = gateway.authorize(moved, CODE)
    former = VoucherPayment.objects.get(account="north")
    assert (payment.account, payment.amount_authorized) == ("south", D("50.00"))
    assert (former.status, former.amount_agreed) == ("failed", D("20.00"))
    assert former in VoucherPayment.objects.all().needing_attention()


def test_nor_does_a_voucher_of_the_same_id(market):
    market.north.add_voucher(code=CODE, id="same-id", amount="20.00")
    market.south.add_voucher(code="GIFT-B", id="same-id", amount="20.00")
    order = market.held("N-1", "20.00")
    market.later(minutes=40)
    spend(market.north, "20.00")
    with pytest.raises(VoucherGatewayError):
        gateway.capture(order)
    order.note = "south"
    assert gateway.authorize(order, "GIFT-B").account == "south"
    assert VoucherPayment.objects.get(account="north").amount_agreed == D("20.00")


def test_the_same_code_at_the_new_merchant_may_have_another_currency(market):
    market.north.add_voucher(code=CODE, amount="20.00")
    market.south.add_voucher(code=CODE, amount="20.00", currency="GBP")
    order = market.order("N-1", "20.00")
    gateway.authorize(order, CODE)
    gateway.cancel(order)
    order.currency = "GBP"
    with pytest.raises(CurrencyMismatchError):
        gateway.authorize(order, CODE)
    order.note = "south"
    payment = gateway.authorize(order, CODE)
    assert (payment.account, payment.currency) == ("south", "GBP")
