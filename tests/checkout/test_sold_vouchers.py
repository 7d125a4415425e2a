"""The checkout of an order that sells gift vouchers: no gift voucher pays for these, and the customer is told so."""

from decimal import Decimal as D

import pytest
from django.template import RequestContext, Template
from django.test import RequestFactory
from django.utils import translation

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.summary import summarise
from voucher_payment_gateway.delivery.links import page_path

APPLY, RENEW, STATE = "/vouchers/apply/", "/vouchers/renew/", "/vouchers/state/"
SOLD = "/vouchers/sold/"
FORM = 'action="/vouchers/apply/"'
REFUSED = "Gift vouchers cannot be paid with gift vouchers. Nothing was taken from yours;"
NOTE = "€50.00 of this order are gift vouchers. They cannot be paid with gift vouchers; please pay"


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


def block(order):
    template = Template("{% load voucher_payments %}{% voucher_payments order %}")
    context = RequestContext(RequestFactory().get("/checkout/"), {"order": order})
    return " ".join(template.render(context).split())


def figures(order):
    summary = summarise(order)
    return tuple(map(str, (summary.covered, summary.due, summary.payable, summary.sold, summary.overheld)))


def test_the_block_says_what_vouchers_cannot_pay_and_offers_the_form_for_the_rest(seller):
    order = seller.order("70.00", note="a=50.00")
    assert NOTE in block(order)
    assert FORM in block(order)
    gateway.authorize(order, seller.voucher("100.00").code)
    assert figures(order) == ("20.00", "50.00", "0.00", "50.00", "0.00")
    assert NOTE in block(order)
    assert FORM not in block(order)
    assert "fully covered" not in block(order)


def test_the_note_is_german_too(seller):
    order = seller.order("70.00", note="a=50.00")
    with translation.override("de"):
        assert "€ dieser Bestellung sind Gutscheine. Diese können nicht" in block(order)


def test_an_order_of_vouchers_alone_has_no_form(seller):
    shown = block(seller.order("50.00", note="a=50.00"))
    assert NOTE in shown
    assert FORM not in shown


def test_with_the_setting_nothing_is_said(seller, gateway_settings):
    gateway_settings(VOUCHERS_PAY_FOR_VOUCHERS=True)
    shown = block(seller.order("50.00", note="a=50.00"))
    assert "of this order are gift vouchers" not in shown
    assert FORM in shown


def test_goods_that_were_taken_off_are_let_go_by_one_click(seller, visit):
    order = seller.order("70.00", note="a=50.00")
    gateway.select(order, seller.voucher("100.00").code)
    gateway.authorize_selected(order, confirm=False)
    Order.objects.update(total=D("60.00"))
    order.refresh_from_db()
    assert figures(order) == ("20.00", "50.00", "0.00", "50.00", "10.00")
    assert "€10.00 more is held than gift vouchers may pay of it. That is put right" in block(order)
    visit(order).post(RENEW)
    assert figures(order) == ("10.00", "50.00", "0.00", "50.00", "0.00")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", REFUSED),
        ("de", "Gutscheine können nicht mit Gutscheinen bezahlt werden. Von Ihrem Gutschein wurde nichts"),
    ],
)
def test_a_voucher_for_an_order_of_vouchers_is_refused_and_is_no_guess(
    seller, visit, messages_of, gateway_settings, language, sentence
):
    gateway_settings(THROTTLE={"session": "1/10m", "refusal_seconds": 0})
    order, other = seller.order("50.00", note="a=50.00"), seller.order("20.00", number="A-2")
    code = seller.voucher("100.00").code
    client = visit(order)
    seller.calls()
    for _ in range(3):
        with translation.override(language):
            *_, told = messages_of(client.post(APPLY, {"code": code}))
        assert told.startswith(sentence)
    assert seller.calls() == []
    session = client.session
    session["order_number"] = other.number
    session.save()
    client.post(APPLY, {"code": code})
    assert other.voucher_authorized == D("20.00")


def test_a_storefront_hears_it_and_reads_what_vouchers_may_pay(seller, visit):
    order = seller.order("70.00", note="a=50.00")
    client = visit(order, headers={"accept": "application/json"})
    answer = client.get(STATE).json()["order"]
    assert (answer["due"], answer["payable"]) == ("70.00", "20.00")
    Order.objects.update(total=D("50.00"))
    response = client.post(APPLY, {"code": "GIFT"}, content_type="application/json")
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["field"]) == (409, "only_vouchers_due", None)


def test_a_storefront_lists_what_the_order_has_sold(seller, visit, gateway_settings):
    gateway_settings(VOUCHER_DELIVERY="page")
    order = seller.order("70.00", note="a=50.00")
    (sale,) = gateway.issue(order)
    unpaid = visit(order).get(SOLD).json()
    assert unpaid == {
        "vouchers": [
            {
                "key": "a",
                "amount": "50.00",
                "currency": "EUR",
                "hint": sale.code_hint,
                "status": "unpaid",
                "message": "Waiting for the payment of the order.",
                "page": page_path(sale),
            }
        ]
    }
    gateway.activate(order)
    response = visit(order).get(SOLD)
    assert response.json()["vouchers"][0]["status"] == "ready"
    assert seller.cloud.voucher(sale.voucher_id).code not in response.text
    assert "no-store" in response["Cache-Control"]


def test_a_storefront_lists_no_sold_vouchers_of_another_visitor(seller, visit):
    gateway.activate(seller.order("50.00", note="a=50.00"))
    for order in (None, seller.order("20.00", number="A-2")):
        assert visit(order).get(SOLD).json() == {"vouchers": []}


def test_an_order_that_sells_none_is_told_as_before(seller, visit):
    client = visit(seller.order("70.00"), headers={"accept": "application/json"})
    assert "payable" not in client.get(STATE).json()["order"]
