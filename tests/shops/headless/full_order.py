"""An app with a token talks JSON to the endpoints: no cookie, no CSRF token, in German."""

import re
from decimal import Decimal as D

import pytest
from django.test import Client

from tests.shops.headless.models import Order
from tests.shops.signals import confirmed, returned, shipped

JSON = "application/json"


@pytest.fixture
def order(shop):
    return Order.objects.create(number="H-1", total=D("50.00"), token="token-of-ada")


@pytest.fixture
def app():
    """Send a request as the app does; return status and document."""

    def ask(path, body=None, *, authorization="Bearer token-of-ada", language="de"):
        client = Client(enforce_csrf_checks=True)
        headers = {"accept": JSON, "accept-language": language, "authorization": authorization}
        if body is None:
            response = client.get(f"/vouchers/{path}/", headers=headers)
        else:
            response = client.post(f"/vouchers/{path}/", body, content_type=JSON, headers=headers)
        assert response.status_code == 403 or not response.cookies
        return response.status_code, response.json()

    return ask


def test_a_full_order(shop, order, app):
    voucher = shop.voucher("20.00", code="GIFT-2000", pin="2468")
    status, told = app("apply", {"code": "GIFT-2000"})
    assert (status, told["error"]["code"]) == (422, "voucher_unusable")
    assert told["error"]["message"].startswith("Dieser Gutschein")
    status, told = app("apply", {"code": "GIFT-2000", "pin": "2468"})
    assert (status, told["order"]["due"], told["csrf_token"]) == (200, "30.00", "")
    assert told["message"].endswith("Noch zu zahlen: 30,00\u00a0€.")
    confirmed.send(sender=Order, order=order)
    Order.objects.update(status="confirmed")
    assert app("state")[1]["error"]["code"] == "no_order", "it is placed"
    shipped.send(sender=Order, order=order)
    returned.send(sender=Order, order=order, amount=D("5.00"))
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("5.00"))]


def test_it_is_told_in_the_language_that_the_app_asks_for(shop, order, app):
    for language, beginning in (("de-AT", "Bitte geben Sie"), ("en", "Please enter"), ("fr", "Please enter")):
        assert app("apply", {"code": ""}, language=language)[1]["error"]["message"].startswith(beginning)


def test_a_voucher_is_taken_off_again(shop, order, app):
    shop.voucher("20.00", code="GIFT-2000")
    payment = app("apply", {"code": "GIFT-2000"})[1]["order"]["vouchers"][0]["payment"]
    assert app("remove", {"payment": payment})[1]["order"]["due"] == "50.00"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [("Bearer forged", "no_order"), ("ApiKey of-ada", "unknown_scheme"), ("Basic eDp5", "page_outdated")],
)
def test_who_cannot_be_known_is_told_why(shop, order, app, authorization, code):
    status, told = app("apply", {"code": "GIFT-2000"}, authorization=authorization)
    assert told["error"]["code"] == code
    assert status in (403, 409)
    assert shop.calls() == []


def test_throttling_says_when_to_try_again(shop, order, app, gateway_settings):
    gateway_settings(THROTTLE={"address": "1/10m", "refusal_seconds": 0})
    app("apply", {"code": "NIL-1"})
    status, told = app("apply", {"code": "NIL-2"})
    assert status == 429
    assert re.search(r"in \d+ Minuten? möglich", told["error"]["message"])
