"""``enter_voucher`` in a view of Django REST framework: no report of an error shows what was entered."""

import json
import logging

import pytest
from django.core.exceptions import BadRequest
from django.test import Client, RequestFactory
from django.urls import path
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

import tests.urls
from tests.checkout.test_canaries import ADMINS, admin_mailer
from tests.sentry import sentry
from tests.shop.models import Order
from voucher_payment_gateway.checkout import enter_voucher
from voucher_payment_gateway.checkout.withholding import withhold
from voucher_payment_gateway.exceptions import VoucherUnusableError
from voucher_payment_gateway.sealing import Secret

CODE, PIN = "CANARY-CODE-73105", "CANARY-PIN-8842"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Enter(APIView):
    """A view of the shop that does nothing to hide the input, and then fails."""

    renderer_classes = (JSONRenderer,)

    def post(self, request):
        typed = {
            **request.data
        }  # a shop's own variables: Django's report hides them, Sentry needs a scrubber
        del typed
        entered = request.data["giftcard"] if isinstance(request.data["giftcard"], dict) else request.data
        try:
            enter_voucher(
                request, Order.objects.get(), entered["discount"], pin=entered.get("secret number", "")
            )
        except VoucherUnusableError:
            del entered
            return Response({"discount": request.data["discount"], "note": request.POST.get("note", "")})
        del entered  # Sentry prints the shop's own variables: that is what its scrubber is for
        if request.data["note"] != "hello" or request.data["quantity"] not in ("1", 1):
            raise BadRequest
        raise RuntimeError("a mistake of the shop")


urlpatterns = [path("enter/", Enter.as_view()), *tests.urls.urlpatterns]

FIELDS = {"discount": CODE, "secret number": PIN, "note": "hello", "quantity": "1", "giftcard": "yes"}
BODIES = {
    "JSON": (json.dumps({**FIELDS, "quantity": 1}), JSON),
    "nested JSON": (
        json.dumps({"giftcard": {**FIELDS, "all": [[CODE, PIN]]}, "note": "hello", "quantity": 1}),
        JSON,
    ),
    "form": ("&".join(f"{name.replace(' ', '+')}={value}" for name, value in FIELDS.items()), FORM),
    "multipart": (FIELDS, None),
}


@pytest.fixture
def post(shop, settings):
    """Return a function that posts a body to the view."""
    settings.ROOT_URLCONF, settings.ADMINS, settings.LOGGING_CONFIG = __name__, ADMINS, None
    shop.order("50.00")
    client = Client(raise_request_exception=False)

    def send(body):
        text, kind = body
        return client.post("/enter/", text, **({"content_type": kind} if kind else {}))

    return send


@pytest.mark.parametrize("debug", [True, False], ids=["DEBUG on", "DEBUG off"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_neither_the_debug_page_nor_a_mail_nor_sentry_shows_the_code(
    shop, post, settings, mailoutbox, caplog, debug, body
):
    caplog.set_level(logging.DEBUG)
    settings.DEBUG = debug
    shop.voucher("20.00", code=CODE, pin=PIN)
    logger, mailer = logging.getLogger("django.request"), admin_mailer()
    logger.addHandler(mailer)
    with sentry() as outbox:
        response = post(body)
    logger.removeHandler(mailer)
    assert Order.objects.get().voucher_authorized == 20
    assert response.status_code == 500
    assert ("RuntimeError" in response.content.decode()) == debug
    assert mailoutbox
    assert '"note": "hello"' in outbox.text
    texts = [response.content.decode(), caplog.text, outbox.text]
    for text in texts + [f"{mail.body} {mail.alternatives}" for mail in mailoutbox]:
        assert "CANARY" not in text, text[max(0, text.find("CANARY") - 300) :][:400]


def test_a_body_of_any_depth_is_emptied(shop, post):
    shop.voucher("20.00", code=CODE, pin=PIN)
    deep = "[" * 700 + f'"{CODE}"' + "]" * 700
    text = (
        f'{{"giftcard": {{"discount": "{CODE}", "secret number": "{PIN}"}}, "note": "hello", "more": {deep}}}'
    )
    with sentry() as outbox:
        assert post((text, JSON)).status_code == 500  # its note is gone too: the view cannot read it any more
    assert Order.objects.get().voucher_authorized == 20
    assert "CANARY" not in outbox.text


@pytest.mark.parametrize(
    ("code", "pin", "kept"),
    [
        ("check", "1", {"next": "/checkout/", "quantity": "1"}),
        ("GIFT-2000", "24", {"next": "/GIFT-2000/", "quantity": "24"}),
        ("GIFT-2000", "2468", {"next": "/cart/", "quantity": "2"}),
    ],
)
def test_no_other_field_is_emptied(code, pin, kept):
    request = RequestFactory().post("/", {"discount": f" {code.lower()}\u200b", "gift-pin": pin, **kept})
    assert request.POST["gift-pin"] == pin
    put_back = withhold(request, Secret(code, pin))
    assert request.POST.dict() == {"discount": "", "gift-pin": "", **kept}
    put_back()
    assert request.POST["gift-pin"] == pin


@pytest.mark.parametrize("kind", ["JSON", "form", "multipart"])
def test_a_code_that_is_no_voucher_may_be_another_code_of_the_shop(shop, post, kind):
    response = post(BODIES[kind])
    assert response.json()["discount"] == CODE
