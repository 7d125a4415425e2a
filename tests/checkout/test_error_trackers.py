"""An error tracker keeps the request and the variables of every frame: neither has a code or a PIN."""

import io
import json
import logging
import threading

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connection
from django.http import HttpResponse
from django.urls import path

import tests.urls
from tests.log_records import logged
from tests.sentry import sentry
from tests.shop.models import Order
from voucher_payment_gateway.checkout import enter_voucher
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.orders import OrderAdapter

APPLY = "/vouchers/apply/"
CODE, PIN = "CANARY-CODE-73105", "CANARY-PIN-8842"
SENTRY = {
    "defaults": {},
    "everything": {
        "send_default_pii": True,
        "max_request_body_size": "always",
        "attach_stacktrace": True,
        "traces_sample_rate": 1.0,
        "add_full_stack": True,
    },
}
BODIES = {
    "form": {"data": {"code": CODE, "pin": PIN, "note": "hello"}},
    "multipart": {"files": {"code": (None, CODE), "pin": (None, PIN), "note": (None, "hello")}},
    "JSON": {"json": {"code": CODE, "pin": PIN, "note": "hello", "again": {"code": [CODE]}}},
    "JSON of another name": {
        "content": json.dumps({"code": CODE, "pin": PIN}),
        "headers": {"Content-Type": "application/vnd.api+json"},
    },
    "no body that can be read": {
        "content": f'{{"code": "{CODE}", "pin": "{PIN}"',
        "headers": {"Content-Type": "application/json"},
    },
    "files": {"files": {"code": ("code.txt", io.BytesIO(CODE.encode())), "pin": (None, PIN)}},
}


class BrokenAdapter(OrderAdapter):
    """The mistake of a shop: an order whose total cannot be read."""

    def total(self, order):
        raise RuntimeError("a mistake of the shop")


GONE = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}


def broken(*_):
    raise RuntimeError("a mistake of the shop")


def no_order(request):
    assert "code" not in request.POST or request.POST["code"] == ""
    raise RuntimeError("a mistake of the shop")


def enter(request):
    """A view of the shop with a field of its own."""
    fields = request.POST or json.loads(request.body)
    enter_voucher(request, Order.objects.get(), fields["code"].lower().upper(), pin=fields["pin"])
    return HttpResponse(f"held, and {(request.POST or json.loads(request.body))['note']}")


urlpatterns = [path("enter/", enter), *tests.urls.urlpatterns]


def reads_the_body(get_response):
    return lambda request: (request.body, get_response(request))[1]


def reads_the_form(get_response):
    return lambda request: (request.POST, request.FILES, get_response(request))[2]


def leaves_it(get_response):
    return get_response


def leaks(text):
    """Return the secret in a text, if there is one, with what is around it."""
    place = text.casefold().find("canary-")
    return [] if place < 0 else [text[max(0, place - 300) :][:400]]


@pytest.fixture
def fails(gateway_settings, settings):
    """Let something that a request relies on fail in earnest."""
    renamed = []

    def rename(model):
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        renamed.append(table)

    def fail(what):
        match what:
            case "the cache":
                settings.CACHES = {**settings.CACHES, "gone": GONE}
                gateway_settings(THROTTLE={"cache": "gone", "refusal_seconds": 0})
            case "the client secret":
                gateway_settings(CLIENT_SECRET=broken)
            case "the adapter":
                gateway_settings(ORDER_ADAPTER=f"{__name__}.BrokenAdapter")
            case "the normaliser":
                gateway_settings(CODE_NORMALISER=f"{__name__}.broken")
            case "the captcha":
                gateway_settings(THROTTLE={"session": "1/1h", "captcha": f"{__name__}.broken"})
            case "the order of the visitor":
                gateway_settings(CHECKOUT_ORDER=f"{__name__}.no_order")
            case "reading the database":
                rename(VoucherPayment)
            case "writing to the database":
                rename(VoucherOperation)

    yield fail
    for table in renamed:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


@pytest.fixture
def site():
    """The test shop behind a real WSGI server; return its address."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler, connections_override={})
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def browser(site, visit, shop):
    """Return a function that posts to the shop over HTTP, as the visitor who pays an order of 50.00."""
    cookies = {name: morsel.value for name, morsel in visit(shop.order("50.00")).cookies.items()}
    cookies["csrftoken"] = "a" * 32

    def post(body, path=APPLY):
        headers = {"X-CSRFToken": "a" * 32, "Referer": site, **body.get("headers", {})}
        with httpx.Client(base_url=site, cookies=cookies, trust_env=False) as client:
            return client.post(path, **{**body, "headers": headers})

    return post


FAILURES = [
    "the cache", "the client secret", "the adapter", "the normaliser", "the captcha", "the order of the visitor",
    "reading the database", "writing to the database",
]  # fmt: skip


@pytest.mark.parametrize("options", SENTRY.values(), ids=SENTRY)
@pytest.mark.parametrize("what", FAILURES)
def test_sentry_gets_no_code_whatever_fails(shop, browser, fails, caplog, what, options):
    caplog.set_level(logging.DEBUG)
    shop.voucher("20.00", code=CODE, pin=PIN)
    fails(what)
    with sentry(**options) as outbox:
        for body in BODIES.values():
            browser(body)
    assert any(event.get("level") == "error" or "exception" in event for event in outbox.events)
    assert [event for event in outbox.events if event.get("request", {}).get("data")] != []
    assert '"note": "hello"' in outbox.text
    assert leaks(outbox.text) == leaks(logged(caplog)) == []


def test_the_cloud_breaks_at_every_step_and_sentry_gets_no_code(shop, browser, caplog):
    caplog.set_level(logging.DEBUG)
    shop.voucher("20.00", code=CODE, pin=PIN)
    with sentry(**SENTRY["everything"]) as outbox:
        for fault in ("after:drop", "before:503", "after:garbage", "before:500", "before:401", "after:other"):
            for path in ("*/reservations", "*/vouchers/*", "*/oauth/token"):
                shop.cloud.faults.next(fault, path=path)
                browser(BODIES["JSON"])
        logging.getLogger("voucher_payment_gateway").error("a line of our own")
    assert shop.cloud.faults.log
    assert "a line of our own" in outbox.text
    assert leaks(outbox.text) == leaks(logged(caplog)) == []


@pytest.mark.parametrize("kind", ["form", "multipart", "JSON"])
def test_our_own_line_in_the_log_has_no_code_of_a_view_of_the_shop(shop, browser, fails, settings, kind):
    settings.ROOT_URLCONF = __name__
    shop.voucher("20.00", code=CODE, pin=PIN)
    fails("the cache")
    with sentry() as outbox:
        response = browser(BODIES[kind], "/enter/")
    assert response.text == "held, and hello"
    assert "the cache 'gone' failed" in outbox.text
    assert '"note": "hello"' in outbox.text
    assert leaks(outbox.text) == []


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("middleware", ["reads_the_body", "reads_the_form", "leaves_it"])
def test_a_middleware_may_have_read_the_body_before(shop, browser, fails, settings, body, middleware):
    settings.MIDDLEWARE = [f"{__name__}.{middleware}", *settings.MIDDLEWARE]
    shop.voucher("20.00", code=CODE, pin=PIN)
    fails("writing to the database")
    with sentry() as outbox:
        browser(body)
        logging.getLogger("voucher_payment_gateway").error("a line of our own")
    assert leaks(outbox.text) == []


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_sentry_gets_no_code_from_an_asynchronous_server(shop, visit, fails, body):
    shop.voucher("20.00", code=CODE, pin=PIN)
    cookies = {name: morsel.value for name, morsel in visit(shop.order("50.00")).cookies.items()}
    fails("writing to the database")

    async def ask():
        transport = httpx.ASGITransport(app=ASGIHandler(), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver", cookies=cookies
        ) as client:
            token = {
                "X-CSRFToken": "a" * 32,
                "Cookie": f"sessionid={cookies['sessionid']}; csrftoken={'a' * 32}",
            }
            return await client.post(APPLY, **{**body, "headers": {**body.get("headers", {}), **token}})

    with sentry() as outbox:
        async_to_sync(ask)()
        logging.getLogger("voucher_payment_gateway").error("a line of our own")
    assert leaks(outbox.text) == []
    is_read = body in [BODIES[name] for name in ("form", "multipart", "JSON", "JSON of another name")]
    assert any("exception" in event for event in outbox.events) == is_read
