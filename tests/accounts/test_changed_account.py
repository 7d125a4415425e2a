"""An order that moves to another merchant: what it has stays with the first one, and nothing is mixed."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from tests.accounts.conftest import CODE, calls
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.problems import problem_of
from voucher_payment_gateway.exceptions import WrongStateError
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
