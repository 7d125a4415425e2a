"""A view of Django REST framework enters the code; the rest is the shop's events."""

from decimal import Decimal as D

import pytest
from rest_framework.test import APIClient

from tests.shops.drf.models import Order
from tests.shops.signals import confirmed, returned, shipped


@pytest.fixture
def order(shop):
    return Order.objects.create(number="D-1", total=D("50.00"))


@pytest.fixture
def enter(order):
    def send(**body):
        return APIClient().post("/gift-vouchers/", body, format="json", headers={"x-order": order.number})

    return send


def test_a_full_order(shop, order, enter):
    voucher = shop.voucher("20.00", code="GIFT-2000", pin="2468")
    answer = enter(code="GIFT-2000", pin="2468")
    assert (answer.status_code, answer.json()) == (200, {"covered": "20.00", "due": "30.00"})
    confirmed.send(sender=Order, order=order)
    shipped.send(sender=Order, order=order)
    returned.send(sender=Order, order=order, amount=D("5.00"))
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("5.00"))]


def test_errors_are_answered_with_their_status_and_the_customer_s_sentence(shop, enter):
    refused = enter(code="NO-SUCH-CODE")
    assert refused.status_code == 422
    assert "cannot be redeemed" in refused.json()["detail"]
    shop.voucher("50.00", code="GIFT-5000")
    enter(code="GIFT-5000")
    assert enter(code="GIFT-5000-2").status_code == 409, "nothing is due any more"


def test_a_voucher_cloud_that_is_down_is_told(shop, enter):
    shop.cloud.faults.next("before:503", times=None)
    answer = enter(code="GIFT-2000")
    assert answer.status_code == 503
    assert "Nothing was taken" in answer.json()["detail"]


def test_throttling_says_for_how_long(shop, enter, gateway_settings):
    gateway_settings(THROTTLE={"address": "1/10m", "refusal_seconds": 0})
    enter(code="NIL-1")
    throttled = enter(code="NIL-2")
    assert throttled.status_code == 429
    assert 0 < int(throttled["Retry-After"]) <= 600


def test_an_error_report_of_the_view_hides_what_the_visitor_sent(shop, order):
    from django.views.debug import get_exception_reporter_filter

    client = APIClient()
    response = client.post(
        "/gift-vouchers/", {"code": "NO-SUCH-CODE"}, format="json", headers={"x-order": order.number}
    )
    request = response.wsgi_request
    assert request.sensitive_post_parameters == "__ALL__"
    assert get_exception_reporter_filter(request).is_active(request)
