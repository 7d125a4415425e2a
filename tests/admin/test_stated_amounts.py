"""No page of a clerk moves more money than it has stated, whatever is charged or held after it was confirmed."""

from decimal import Decimal as D

import pytest

from tests.admin.test_actions import ORDER, confirm, moved, told
from tests.admin.two_people import decide
from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions import approve, money
from voucher_payment_gateway.models import VoucherApproval, VoucherPayment

CODE, OTHER = "GIFT-2000-ABCD", "GIFT-3000-WXYZ"
MORE = (
    "By now more money would move than was stated. Nothing was done: open the page again, "
    "and read what is stated now."
)


@pytest.fixture
def order(shop, gateway_settings):
    """An order of 300.00 that two vouchers may pay; the first one is held. One person may refund 100.00 alone."""
    gateway_settings(REFUND_APPROVAL_ABOVE={"EUR": "100.00"})
    shop.voucher("150.00", code=CODE)
    shop.voucher("150.00", code=OTHER)
    order = shop.order("300.00")
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)
    return order


@pytest.fixture
def meanwhile(monkeypatch):
    """Do something right after a page was confirmed: call it with the module of the page."""

    def arrange(module, action):
        confirm_version = module.confirm_version

        def confirmed(*args, **options):
            row = confirm_version(*args, **options)
            monkeypatch.setattr(module, "confirm_version", confirm_version)
            action()
            return row

        monkeypatch.setattr(module, "confirm_version", confirmed)

    return arrange


def test_what_is_captured_meanwhile_is_not_refunded_by_taking_it_off(order, mia, meanwhile):
    page = mia.get(ORDER["cancel"])
    meanwhile(money, lambda: gateway.capture(order))
    assert told(confirm(mia, ORDER["cancel"], page)) == [MORE]
    assert moved("refund") == []
    assert VoucherPayment.objects.get().cancel_requested_at is None
    assert told(confirm(mia, ORDER["cancel"]))[0].startswith("Your request is noted")


def test_an_approval_refunds_what_was_asked_for_alone(order, mia, ben, meanwhile):
    gateway.capture(order)
    confirm(mia, ORDER["cancel"])

    def one_more():
        gateway.authorize(order, OTHER)
        gateway.capture(order)

    meanwhile(approve, one_more)
    assert told(decide(ben, "approved")) == [MORE]
    assert moved("refund") == []
    assert VoucherApproval.objects.get().outcome == "open"
    page = decide(ben, "approved")
    assert "The amounts have changed since it was asked for" in page.text
    assert moved("refund") == []


def test_what_is_held_meanwhile_is_not_charged(order, mia, meanwhile):
    page = mia.get(ORDER["capture"])
    meanwhile(money, lambda: gateway.authorize(order, OTHER))
    assert told(confirm(mia, ORDER["capture"], page)) == [MORE]
    assert moved("charge") == []
    assert told(confirm(mia, ORDER["capture"])) == ["€300.00 was charged."]
    assert [amount for amount, *_ in moved("charge")] == [D(150), D(150)]
