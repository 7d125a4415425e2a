"""Gift vouchers beside another means of payment: what it is asked for, and what becomes of a difference."""

from decimal import Decimal as D

import pytest
from oscar.apps.payment.exceptions import RedirectRequired
from oscar.core.loading import get_class

from tests.hosts.oscar.records import sources
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def visitor(oscar_shop):
    oscar_shop.voucher("20.00", CODE)
    visitor = oscar_shop.visitor().buy(oscar_shop.product("30.00")).to_preview()
    visitor.enter(CODE)
    return visitor


@pytest.fixture
def asked(monkeypatch):
    """What the view behind ours was asked for."""
    amounts = []
    view = get_class("checkout.views", "PaymentDetailsView").__mro__[2]
    monkeypatch.setattr(view, "handle_payment", lambda self, number, total, **_: amounts.append(total))
    return amounts


def test_it_is_asked_for_what_is_left(oscar_shop, visitor, asked):
    visitor.place()

    assert [(total.incl_tax, total.currency) for total in asked] == [(D("10.00"), "EUR")]


def test_it_is_not_asked_where_nothing_is_left(oscar_shop, asked):
    oscar_shop.ordered("30.00")

    assert asked == []


def test_it_is_asked_for_all_without_a_voucher(oscar_shop, asked):
    oscar_shop.ordered()

    assert [total.incl_tax for total in asked] == [D("30.00")]


def test_it_is_asked_for_all_once_the_voucher_was_taken_off(oscar_shop, visitor, asked):
    gateway.cancel(VoucherPayment.objects.get())

    visitor.place()

    assert [total.incl_tax for total in asked] == [D("30.00")]


def test_a_payment_page_elsewhere_keeps_the_vouchers_held(oscar_shop, visitor, monkeypatch):
    """The customer is sent there with a frozen basket, and the shop's view places the order when they come back."""
    view = get_class("checkout.views", "PaymentDetailsView")

    def redirect(self, number, total, **_):
        raise RedirectRequired("https://pay.example.com/")

    monkeypatch.setattr(view.__mro__[2], "handle_payment", redirect)
    response = visitor.place()

    assert response["Location"] == "https://pay.example.com/"
    assert VoucherPayment.objects.get().status == "authorized"
    assert visitor.enter("OTHER-CODE-1234").status_code == 303  # nothing can be entered any more
    assert VoucherPayment.objects.count() == 1


def test_what_the_vouchers_cover_less_at_the_end_is_noted(oscar_shop, visitor, monkeypatch, caplog):
    """Another request took the voucher off while this one placed the order."""
    creator = get_class("order.utils", "OrderCreator")
    place_order = creator.place_order

    def take_off_first(self, *args, **kwargs):
        gateway.cancel(VoucherPayment.objects.get())
        return place_order(self, *args, **kwargs)

    monkeypatch.setattr(creator, "place_order", take_off_first)
    assert visitor.place(card="tok_1").status_code == 302

    order = oscar_shop.orders.get()
    assert order.notes.get().message == "Gift vouchers cover 20.00 EUR less than when the order was placed."
    assert "cover less than at its checkout: 20.00 EUR" in caplog.text
    assert sources(order) == []


def worth_of_basket(basket):
    return sum(line.line_price_incl_tax for line in basket.all_lines() if line.product.title == "Voucher")


def test_gift_vouchers_in_the_basket_are_not_paid_by_gift_vouchers(oscar_shop, settings, asked):
    settings.VOUCHER_PAYMENT_GATEWAY_OSCAR = {"SOLD_IN_BASKET": f"{__name__}.worth_of_basket"}
    oscar_shop.voucher("100.00", CODE)
    visitor = oscar_shop.visitor()
    visitor.buy(oscar_shop.product("30.00"), oscar_shop.product("50.00", title="Voucher")).to_preview()
    visitor.enter(CODE)

    assert VoucherPayment.objects.get().amount_authorized == D("30.00")
    visitor.place()
    assert [total.incl_tax for total in asked] == [D("50.00")]
