"""Entering, removing and renewing a gift voucher."""

from decimal import Decimal as D

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.urls import reverse

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import views
from voucher_payment_gateway.checkout.problems import (
    CODE_MISSING,
    NO_ORDER,
    NOT_ON_ORDER,
    UNAVAILABLE,
    UNUSABLE,
)
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherPayment

APPLY, REMOVE, RENEW = "/vouchers/apply/", "/vouchers/remove/", "/vouchers/renew/"


def test_the_addresses_have_names():
    assert reverse("voucher_payment_gateway:apply") == APPLY
    assert reverse("voucher_payment_gateway:remove") == REMOVE


def test_a_voucher_is_held_and_the_visitor_learns_until_when_and_what_is_due(shop, visit, messages_of):
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    response = visit(order).post(APPLY, {"code": "  GIFT-2000 ", "pin": "", "next": "/checkout/?step=2"})
    assert (response.status_code, response.url) == (303, "/checkout/?step=2")
    assert (order.voucher_authorized, order.voucher_due) == (20, 30)
    [sentence] = messages_of(response)
    assert "€20.00 of gift voucher …2000 is held for you" in sentence
    assert "€30.00 is still to pay" in sentence


def test_a_voucher_that_covers_all_says_so(shop, visit, messages_of):
    order = shop.order("15.00")
    shop.voucher("20.00", code="GIFT-2000", pin="2468")
    response = visit(order).post(APPLY, {"code": "GIFT-2000", "pin": "2468"})
    assert messages_of(response)[0].endswith("is held for you. Nothing is left to pay.")
    assert order.voucher_authorized == 15


def test_every_unusable_code_reads_the_same(shop, visit, messages_of):
    order = shop.order()
    shop.voucher(code="GIFT-OFF", status="inactive")
    shop.voucher(code="GIFT-PIN", pin="2468")
    for code, pin in [("NOBODY", ""), ("GIFT-OFF", ""), ("GIFT-PIN", "1"), ("GIFT-PIN", ""), ("A\x00B", "")]:
        assert messages_of(visit(order).post(APPLY, {"code": code, "pin": pin})) == [UNUSABLE.message]
    assert not VoucherPayment.objects.exists()


def test_what_cannot_be_a_code_is_not_sent(shop, visit, messages_of):
    order = shop.order()
    assert messages_of(visit(order).post(APPLY, {"code": "x" * 10_000})) == [UNUSABLE.message]
    assert messages_of(visit(order).post(APPLY, {"code": "GIFT", "pin": "1" * 256})) == [UNUSABLE.message]
    assert messages_of(visit(order).post(APPLY, {"code": "   "})) == [CODE_MISSING.message]
    assert shop.calls() == []


def test_the_same_code_twice_is_one_payment(shop, visit):
    order = shop.order()
    shop.voucher(code="GIFT-2000")
    for _ in range(2):
        visit(order).post(APPLY, {"code": "GIFT-2000"})
    assert order.voucher_payments.count() == 1


def test_which_order_is_meant_comes_from_the_shop_alone(shop, visit, messages_of):
    mine, other = shop.order(number="A-1"), shop.order(number="A-2")
    shop.voucher(code="GIFT-2000")
    visit(mine).post(f"{APPLY}?order=A-2", {"code": "GIFT-2000", "order": "A-2", "order_number": "A-2"})
    assert (mine.voucher_authorized, other.voucher_authorized) == (20, 0)


def test_without_an_order_nothing_is_sent(shop, visit, messages_of):
    for address in (APPLY, REMOVE):
        assert messages_of(visit().post(address, {"code": "GIFT-2000", "payment": "1"})) == [NO_ORDER.message]
    assert shop.calls() == []


def test_a_cloud_that_cannot_be_reached_is_told_as_such(shop, visit, messages_of, gateway_settings):
    gateway_settings(BASE_URL="http://127.0.0.1:9/v1")
    assert messages_of(visit(shop.order()).post(APPLY, {"code": "GIFT-2000"})) == [UNAVAILABLE.message]


def test_a_shop_that_names_no_checkout_order_is_told_so(shop, visit, gateway_settings):
    gateway_settings(CHECKOUT_ORDER="")
    with pytest.raises(ImproperlyConfigured, match="CHECKOUT_ORDER"):
        visit(shop.order()).post(APPLY, {"code": "GIFT-2000"})


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "http:///evil.example",
    ],
)
def test_the_way_back_leads_to_this_site_only(shop, visit, target):
    response = visit(shop.order()).post(APPLY, {"code": "NOBODY", "next": target})
    assert (response.status_code, response.url) == (303, "/")


@pytest.mark.parametrize("address", [APPLY, REMOVE])
def test_only_a_post_with_a_token_changes_anything(shop, visit, address):
    client = visit(shop.order(), enforce_csrf_checks=True)
    assert client.get(address).status_code == 405
    assert client.post(address, {"code": "GIFT-2000"}).status_code == 403
    assert shop.calls() == []


@pytest.mark.parametrize("verb", ["authorize", "cancel"])
def test_the_gateway_is_called_outside_of_a_transaction(shop, visit, monkeypatch, verb):
    order = shop.order()
    shop.voucher(code="GIFT-2000")
    payment = gateway.authorize(order, "GIFT-2000")
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    found = []
    monkeypatch.setattr(
        views.gateway, verb, lambda *_, **__: found.append(connection.in_atomic_block) or payment
    )
    address, form = {
        "authorize": (APPLY, {"code": "GIFT-2000"}),
        "cancel": (REMOVE, {"payment": payment.pk}),
    }[verb]
    visit(order).post(address, form)
    assert found == [False]


def test_no_code_comes_back_to_the_visitor(shop, visit):
    order = shop.order()
    shop.voucher(code="CANARY-GIFT-2000", pin="CANARY-PIN")
    client = visit(order)
    for pin in ("CANARY-WRONG", "CANARY-PIN"):
        response = client.post(APPLY, {"code": "CANARY-GIFT-2000", "pin": pin})
        seen = f"{response.serialize_headers()} {response.content} {response.cookies} {dict(client.session)}"
        assert "CANARY" not in seen


def test_a_voucher_can_be_taken_off(shop, visit, messages_of):
    order = shop.order()
    shop.voucher(code="GIFT-2000")
    payment = gateway.authorize(order, "GIFT-2000")
    response = visit(order).post(REMOVE, {"payment": payment.pk, "next": "/checkout/"})
    assert (response.status_code, response.url) == (303, "/checkout/")
    assert order.voucher_authorized == 0
    assert messages_of(response) == [
        "Gift voucher …2000 was taken off your order. No money was taken from it."
    ]
    assert messages_of(visit(order).post(REMOVE, {"payment": payment.pk})) == [NOT_ON_ORDER.message]


def test_what_ran_out_is_reserved_again_and_what_is_too_much_is_let_go(shop, visit, messages_of):
    order = shop.order("50.00")
    voucher = shop.voucher("20.00", code="GIFT-2000")
    gateway.authorize(order, "GIFT-2000")
    shop.later(minutes=31)
    response = visit(order).post(RENEW, {"next": "/checkout/"})
    assert (response.status_code, response.url) == (303, "/checkout/")
    assert messages_of(response) == ["Your gift vouchers now cover €20.00. €30.00 is still to pay."]
    order.total = 5
    order.save()
    assert messages_of(visit(order).post(RENEW)) == [
        "Your gift vouchers now cover €5.00. Nothing is left to pay."
    ]
    assert (order.voucher_authorized, shop.bookings(voucher)) == (5, [])


def test_a_basket_that_became_smaller_and_larger_again_is_covered_by_one_click(shop, visit):
    order = shop.order("30.00")
    voucher = shop.voucher("30.00", code="GIFT-3000")
    gateway.authorize(order, "GIFT-3000")
    for total in (D("18.50"), D("30.00")):
        order.total = total
        order.save()
        visit(order).post(RENEW)
        assert order.voucher_authorized == total
    assert shop.bookings(voucher) == []


def test_what_cannot_be_reserved_again_is_told(shop, visit, messages_of):
    order = shop.order("50.00")
    voucher = shop.voucher("20.00", code="GIFT-2000")
    gateway.authorize(order, "GIFT-2000")
    shop.later(minutes=31)
    shop.cloud.charge(shop.cloud.reserve("GIFT-2000", "20.00"), "ANOTHER-TILL")
    [sentence] = messages_of(visit(order).post(RENEW))
    assert "Nothing was taken from it." in sentence
    assert order.voucher_due == 50
    assert shop.bookings(voucher) == [("charge", 20)]
    assert messages_of(visit().post(RENEW)) == [NO_ORDER.message]


def test_five_vouchers_are_reserved_at_the_same_time(shop, visit):
    """Five take about as long as one: ``make bench`` measures it."""
    order, seconds = shop.order("50.00"), 1.5
    for number in range(5):
        shop.voucher("50.00", code=f"GIFT-{number}")
        gateway.select(order, f"GIFT-{number}")
    shop.cloud.faults.next(f"after:slow={seconds}", path="*/reservations", times=5)
    visit(order).post(RENEW)
    made = [reservation.created_at for reservation in shop.cloud.store.state.reservations.values()]
    assert len(made) == 5
    assert (max(made) - min(made)).total_seconds() < seconds, (
        "the last was made before the first was answered"
    )
    assert order.voucher_authorized == 50


@pytest.mark.parametrize("key", ["", "x", "-1", "0", "1.5", "9" * 30, "١"])
def test_a_payment_that_is_none_is_not_there(shop, visit, messages_of, key):
    assert messages_of(visit(shop.order()).post(REMOVE, {"payment": key})) == [NOT_ON_ORDER.message]


def test_nobody_takes_a_voucher_off_the_order_of_another(shop, visit, messages_of):
    order = shop.order(number="A-1")
    shop.voucher(code="GIFT-2000")
    payment = gateway.authorize(order, "GIFT-2000")
    assert messages_of(visit(shop.order(number="A-2")).post(REMOVE, {"payment": payment.pk})) == [
        NOT_ON_ORDER.message
    ]
    assert order.voucher_authorized == 20


def test_a_visitor_cannot_refund(shop, visit, messages_of):
    order = shop.order()
    voucher = shop.voucher(code="GIFT-2000")
    payment = gateway.authorize(order, "GIFT-2000")
    gateway.capture(order)
    [sentence] = messages_of(visit(order).post(REMOVE, {"payment": payment.pk}))
    assert sentence == "That is not possible for this gift voucher any more. Nothing was taken."
    assert [kind for kind, _ in shop.bookings(voucher)] == ["charge"]


def test_an_error_while_taking_off_is_told(shop, visit, messages_of, monkeypatch):
    order = shop.order()
    shop.voucher(code="GIFT-2000")
    payment = gateway.authorize(order, "GIFT-2000")

    def lose_the_answer(_, key):
        raise OutcomeUnknownError("secret words of the other side")

    monkeypatch.setattr(views.gateway, "cancel", lose_the_answer)
    [sentence] = messages_of(visit(order).post(REMOVE, {"payment": payment.pk}))
    assert sentence.startswith("It is not clear yet")


def test_reserving_again_confirms_nothing(shop, visit):
    shop.voucher("20.00", code="GIFT-2000")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000")
    shop.later(minutes=40)
    gateway.settle()
    visit(order).post("/vouchers/renew/")
    payment = order.voucher_payments.get()
    assert (payment.status, payment.confirmed_at) == ("authorized", None)
