"""The page about error reports: its scrubber and its test, run with Sentry against a view that hides nothing."""

import json
import sys
from types import ModuleType

import pytest
import sentry_sdk
from django.test import Client
from django.urls import path

from tests.docs.pages import DOCS, blocks
from tests.sentry import Outbox, own_scopes, sentry
from tests.shop.models import Order
from voucher_payment_gateway.checkout import enter_voucher

PAGE = DOCS / "how-to/keep-codes-out-of-error-reports.md"
CODE, PIN = "TEST-1234-CODE", "CANARY-PIN-8842"


def enter_discount(request):
    """A view of the shop with variables of its own, one of them of a name that nobody expects."""
    code, pin, whatever = request.POST["discount"], PIN, {"typed": [request.POST["discount"].lower()]}
    enter_voucher(request, Order.objects.get(), code, pin=pin)
    raise RuntimeError(f"a mistake of the shop, about {len(whatever)} things")


urlpatterns = [path("basket/discount/", enter_discount)]


@pytest.fixture
def example(shop, settings, monkeypatch):
    """Return the examples of the page that do not run by themselves, with the shop that they are about."""
    settings.ROOT_URLCONF = __name__
    shop.voucher("20.00", code=CODE, pin=PIN)
    shop.order("50.00")
    found = [block.text for block in blocks(PAGE) if block.language == "python"]
    scrubbing = ModuleType("shop.scrubbing")
    exec(next(text for text in found if "def without_codes" in text), vars(scrubbing))
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.scrubbing", scrubbing)
    with own_scopes():
        yield lambda words: next(text for text in found if words in text and text.startswith("import"))
    sentry_sdk.init()


def test_without_a_scrubber_the_view_of_the_shop_leaks(example):
    with sentry() as outbox:
        Client(raise_request_exception=False).post("/basket/discount/", {"discount": CODE})
    assert CODE in outbox.text
    assert CODE.lower() in outbox.text
    assert PIN in outbox.text


def test_the_settings_of_the_page_hide_code_and_pin(example):
    outbox = Outbox()
    text = example("before_breadcrumb").replace(
        'dsn="https://…"', "dsn=DSN, transport=OUTBOX, traces_sample_rate=1"
    )
    exec(text, {"DSN": "https://key@sentry.example/1", "OUTBOX": outbox})
    sentry_sdk.add_breadcrumb(message=f"typed {CODE}", data={"pin": PIN})
    Client(raise_request_exception=False).post("/basket/discount/", {"discount": CODE})
    sentry_sdk.capture_message("a line")
    assert "a mistake of the shop" in outbox.text
    assert any(event.get("type") == "transaction" for event in outbox.events) or len(outbox.events) == 2
    assert "typed [code]" in outbox.text
    for secret in ("test-1234", "canary"):
        assert secret not in outbox.text.casefold()
    assert all(len(event["event_id"]) == 32 for event in outbox.events)


def test_the_test_of_the_page_passes_with_the_scrubber_and_fails_without(example):
    names = {"__name__": "example"}
    exec(example("class Outbox"), names)
    names["test_no_code_reaches_sentry"](Client(), None)
    assert PIN not in json.dumps(names["Outbox"].sent, default=repr)
    names["Outbox"].sent, names["without_codes"] = [], None
    with pytest.raises(AssertionError):
        names["test_no_code_reaches_sentry"](Client(), None)
