"""What the shop does with a paid order, and where the code of a voucher may be seen."""

import logging
import pickle
import re
import sys
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connections
from oscar.apps.payment.exceptions import PaymentError
from oscarapicheckout import utils

from tests.hosts.oscar_api_checkout.shop import cash, voucher

CODE, PIN = "GIFT-SECRET-4711", "820465"


@pytest.fixture
def paid(api_shop):
    """Two vouchers of 10.00 and 5.00, and 15.00 in cash."""
    vouchers = [api_shop.voucher(amount, code) for amount, code in (("10.00", "GIFT-A"), ("5.00", "GIFT-B"))]
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("GIFT-B", "5.00"), cash=cash())
    assert buyer.states()[0] == "Authorized"
    return vouchers


def booked(api_shop, vouchers):
    return [api_shop.bookings(each) for each in vouchers]


def test_shipping_charges_what_the_vouchers_were_to_pay_and_a_refund_goes_back(api_shop, paid):
    assert booked(api_shop, paid) == [[], []]

    api_shop.ship()

    assert booked(api_shop, paid) == [[("charge", 10)], [("charge", 5)]]
    assert api_shop.sources == [("Gift voucher", 10, 10, 0), ("Gift voucher", 5, 5, 0), ("Cash", 15, 15, 0)]
    api_shop.give_back("15.00")
    assert [api_shop.cloud.balance(each.id) for each in paid] == [10, 5]
    assert [source[3] for source in api_shop.sources] == [10, 5, 0]


def test_shipping_weeks_later_charges_a_voucher_whose_hold_has_lapsed(api_shop, paid, later):
    later(days=14)

    api_shop.ship()

    assert booked(api_shop, paid) == [[("charge", 10)], [("charge", 5)]]


def test_two_refunds_at_the_same_moment_give_back_once(api_shop, paid):
    api_shop.ship()

    def refund(key):
        try:
            api_shop.give_back("15.00", key)
        except PaymentError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as workers:
        done = list(workers.map(refund, ("clerk-1", "clerk-2")))

    assert done.count(True) <= 1 or booked(api_shop, paid) == [
        [("charge", 10), ("refund", 10)],
        [("charge", 5), ("refund", 5)],
    ]
    assert all(api_shop.cloud.balance(each.id) <= amount for each, amount in zip(paid, (10, 5), strict=True))


def test_a_canceled_order_lets_its_vouchers_go(api_shop, paid):
    api_shop.events().handle_order_status_change(api_shop.order, "Canceled")

    assert api_shop.payments == [("cancelled", 0, 0), ("cancelled", 0, 0)]
    assert api_shop.sources[:2] == [("Gift voucher", 0, 0, 0), ("Gift voucher", 0, 0, 0)]
    assert booked(api_shop, paid) == [[], []]


@pytest.fixture
def told(api_shop, caplog):
    """Return all that is stored, logged, answered and mailed once an order was declined, then paid."""
    caplog.set_level(logging.DEBUG)
    api_shop.voucher("50.00", code=CODE, pin=PIN)
    buyer = api_shop.buyer("30.00")
    answers = [
        buyer.checkout(v1=voucher(CODE, pin="000000")),
        buyer.checkout(v1=voucher(CODE, "10.00", pin=PIN, reference=CODE), v2=voucher("GIFT-NONE")),
        buyer.checkout(**{CODE: voucher(CODE, pin=PIN)}),
        buyer.checkout(v1=voucher(CODE, pin=PIN, reference=CODE)),
        buyer.client.get("/api/checkout/payment-states/"),
    ]
    assert buyer.states()[0] == "Authorized"
    del answers[2]  # answers the client with the client's own key
    stored = [row.get_decoded() for row in Session.objects.all()]
    steps = [step for each in stored for step in each.get(utils.CHECKOUT_PAYMENT_STEPS, {}).values()]
    unpickled = [vars(pickle.loads(b64decode(step))) for step in steps]
    mails = [message.message().as_string() for message in mail.outbox]
    rows = [list(model.objects.values()) for model in models_of_the_shop()]
    return [
        *map(str, (stored, unpickled, mails, rows)),
        caplog.text,
        *(each.content.decode() for each in answers),
    ]


def models_of_the_shop():
    from django.apps import apps

    return [
        model for label in ("order", "payment", "basket") for model in apps.get_app_config(label).get_models()
    ]


def test_no_session_log_answer_mail_or_row_of_the_shop_has_a_code(told):
    text = "\n".join(told)

    assert "Gift voucher" in text
    assert CODE not in text
    assert not re.search(rf"\b{PIN}\b", text)


def test_a_key_that_is_the_code_is_refused(api_shop):
    api_shop.voucher("50.00", code=CODE)
    buyer = api_shop.buyer("30.00")

    answer = buyer.checkout(**{f"card-{CODE.lower()}": voucher(CODE)})

    assert answer.status_code == 406
    assert api_shop.orders == 0


def test_an_error_report_of_the_host_shows_no_code(api_shop, listening):
    """The frames of the host's views are in it, with the request, the serializer and its data."""
    from oscarapicheckout.signals import order_payment_authorized

    frames = []

    def fail(**kwargs):
        frame = sys._getframe()
        while frame:
            frames.append(
                repr(list(frame.f_locals.items())) if "oscarapicheckout" in frame.f_code.co_filename else ""
            )
            frame = frame.f_back

    listening(order_payment_authorized, fail)
    api_shop.voucher("50.00", code=CODE, pin=PIN)
    api_shop.buyer("30.00").checkout(v1=voucher(CODE, pin=PIN))

    shown = "".join(frames)
    assert "CheckoutSerializer" in shown
    assert CODE not in shown
    assert PIN not in shown
