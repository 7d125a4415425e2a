"""An order paid by a gift voucher and PayPal: two rows, each with its own total. PayPal's HTTP is stubbed."""

import json
from decimal import Decimal

import pytest
import responses
from django.urls import reverse

from tests.hosts.django_payments.models import Payment

PAYPAL = "https://api.paypal.example"
PAYMENT = f"{PAYPAL}/v1/payments/payment"
LINKS = [
    {"rel": "approval_url", "href": "https://paypal.example/approve"},
    {"rel": "execute", "href": f"{PAYMENT}/PAY-1/execute/"},
]


@pytest.fixture
def paypal(_no_network_through_requests):
    """PayPal's API, as it answers to its provider."""
    refund = {"rel": "refund", "href": f"{PAYPAL}/v1/payments/sale/1/refund"}
    executed = {
        "id": "PAY-1",
        "payer": {"payer_info": {"email": "buyer@shop.example"}},
        "transactions": [{"related_resources": [{"sale": {"links": [refund]}}]}],
    }
    answers = {
        f"{PAYPAL}/v1/oauth2/token": {"token_type": "Bearer", "access_token": "x", "expires_in": 3600},
        PAYMENT: {"id": "PAY-1", "links": LINKS},
        f"{PAYMENT}/PAY-1/execute/": executed,
        refund["href"]: {"amount": {"total": "30.00", "currency": "EUR"}},
    }
    with responses.RequestsMock(assert_all_requests_are_fired=False) as stub:
        stub.add_passthru("http://127.0.0.1")
        for url, body in answers.items():
            stub.post(url, json=body)
        yield stub


def bodies(stub, url):
    return [json.loads(call.request.body) for call in stub.calls if call.request.url == url]


def paid_by_both(shop):
    """Pay an order of 50.00: 20.00 by a gift voucher, the rest by PayPal."""
    voucher, order = shop.voucher("20.00"), shop.order("50.00")
    first = shop.payment("50.00", order=order)
    shop.enter(first)
    second = shop.payment(order.due, variant="paypal", order=order)
    assert shop.client.get(reverse("pay", args=[second.pk])).headers["Location"] == LINKS[0]["href"]
    returned = shop.client.get(second.get_process_url(), {"token": "EC-1", "PayerID": "P-1"})
    assert returned.headers["Location"] == second.get_success_url()
    return order, first, second, voucher


def test_an_order_paid_by_a_voucher_and_paypal(shop, paypal):
    order, first, second, voucher = paid_by_both(shop)
    assert shop.row(first) == ("preauth", Decimal("0.00"))
    assert shop.row(second) == ("confirmed", Decimal("30.00"))
    assert order.due == 0
    (asked,) = bodies(paypal, PAYMENT)
    assert asked["transactions"][0]["amount"]["total"] == "30.00"
    shop.staff(first, "capture")
    assert shop.row(first) == ("confirmed", Decimal("20.00"))
    assert shop.bookings(voucher) == [("charge", Decimal("20.00"))]
    assert sum(row.captured_amount for row in order.payments.all()) == order.total


def test_each_part_goes_back_where_it_came_from(shop, paypal):
    _, first, second, voucher = paid_by_both(shop)
    shop.staff(first, "capture")
    assert shop.staff(second, "refund").text == "refunded"
    assert shop.row(first) == ("confirmed", Decimal("20.00"))
    assert shop.staff(first, "refund", amount="5.00").text == "confirmed"
    assert shop.row(first) == ("confirmed", Decimal("15.00"))
    assert shop.bookings(voucher)[1:] == [("refund", Decimal("5.00"))]


def test_paypal_fails_and_the_voucher_is_released(shop, paypal):
    voucher, order = shop.voucher("20.00"), shop.order("50.00")
    first = shop.payment("50.00", order=order)
    shop.enter(first)
    second = shop.payment(order.due, variant="paypal", order=order)
    shop.client.get(reverse("pay", args=[second.pk]))
    shop.client.get(second.get_process_url(), {"token": "EC-1"})
    assert shop.row(second) == ("rejected", Decimal("0.00"))
    assert shop.staff(first, "release").text == "refunded"
    assert shop.bookings(voucher) == []
    assert order.due == Decimal("50.00")


def test_a_row_of_another_means_of_payment_is_left_alone(shop):
    row = shop.payment("30.00", variant="paypal")
    row.status, row.captured_amount = "confirmed", Decimal("30.00")
    row.save()
    assert shop.row(row) == ("confirmed", Decimal("30.00"))
    Payment.objects.filter(pk=row.pk).delete()
    assert shop.calls() == []
