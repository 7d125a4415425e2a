"""Spans: one for each verb and each HTTP request, with nothing that is a secret or an id, and none left open."""

import asyncio

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from voucher_payment_gateway import gateway
from voucher_payment_gateway.api import AsyncVoucherCloud, VoucherCloud
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    PaymentStateError,
    UnavailableError,
    VoucherUnusableError,
)

CODE, PIN = "CANARY-CODE-73105", "CANARY-PIN-8842"
READS_ONLY = {"cover"}
"""Templates call it: it has no span."""


@pytest.fixture
def order(shop, telemetry):
    shop.voucher("20.00", code=CODE, pin=PIN)
    order = shop.order("20.00")
    voucher_cloud().authenticate()
    telemetry.spans()
    return order


def names(spans):
    return [span.name.removeprefix("voucher_payment_gateway.") for span in spans]


def test_a_verb_has_a_span_and_its_requests_are_within_it(order, telemetry, server):
    gateway.authorize(order, CODE, pin=PIN)
    gateway.capture(order)
    request, authorize, _, capture = spans = telemetry.spans()
    assert names(spans) == ["POST /reservations", "authorize", "POST /reservations/{id}/charge", "capture"]
    assert (request.kind, capture.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    assert request.parent.span_id == authorize.context.span_id
    assert dict(authorize.attributes) == {"verb": "authorize"}
    host, port = server.url.removeprefix("http://").split(":")
    assert dict(request.attributes) == {
        "http.request.method": "POST",
        "url.template": "/reservations",
        "http.response.status_code": request.attributes["http.response.status_code"],
        "server.address": host,
        "server.port": int(port),
    }
    assert request.attributes["http.response.status_code"] in (200, 201)
    assert request.status.status_code is StatusCode.UNSET


def test_every_verb_has_one():
    verbs = {name for name in gateway.__all__ if name.islower() and f"a{name}" in gateway.__all__}
    assert {name for name in verbs if "measured" not in wrappers(getattr(gateway, name))} == READS_ONLY


def wrappers(function):
    """Yield the names of the functions that wrap it."""
    while hasattr(function, "__wrapped__"):
        yield function.__code__.co_name
        function = function.__wrapped__


def test_no_span_holds_a_code_an_id_or_a_text_of_an_error(order, shop, telemetry):
    gateway.authorize(order, CODE, pin=PIN)
    gateway.capture(order)
    gateway.refund(order)
    gateway.settle()
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(shop.order("5.00", number="A-2"), f"{CODE}-X", pin=PIN)
    spans = telemetry.spans()
    secrets = {CODE, PIN, order.number, shop.vouchers[0].id, *order.voucher_reservation_ids}
    shown = "".join(f"{span.name} {dict(span.attributes)} {span.status.description}" for span in spans)
    assert [secret for secret in secrets if secret in shown] == []
    assert [span.name for span in spans if span.events] == []


def test_an_error_is_told_by_its_class_and_its_code(order, telemetry):
    gateway.authorize(order, CODE, pin=PIN)
    telemetry.spans()
    with pytest.raises(PaymentStateError):
        gateway.capture(order, key="k" * 1000)
    (capture,) = telemetry.spans()
    assert capture.status.status_code is StatusCode.ERROR
    assert dict(capture.attributes) == {
        "verb": "capture",
        "error.type": "PaymentStateError",
        "voucher_payment_gateway.error.code": "key_malformed",
    }


@pytest.mark.parametrize(
    ("fault", "error", "status", "kind"),
    [
        ("before:503", UnavailableError, 503, "503"),
        ("before:401", CredentialsError, 401, "401"),
        ("after:drop", OutcomeUnknownError, None, "RemoteProtocolError"),
    ],
)
def test_a_request_that_fails_is_told(order, shop, telemetry, fault, error, status, kind):
    gateway.authorize(order, CODE, pin=PIN)
    shop.cloud.faults.next(fault, path="*/charge", times=None)
    telemetry.spans()
    with pytest.raises(error):
        gateway.capture(order)
    request, *_, capture = telemetry.spans()
    assert request.attributes.get("http.response.status_code") == status
    assert request.attributes["error.type"] == kind
    assert request.status.status_code is StatusCode.ERROR
    assert capture.attributes["error.type"] == error.__name__
    assert "voucher_payment_gateway.error.code" in capture.attributes


def test_the_async_form_of_a_verb_has_the_same(order, telemetry):
    async def pay():
        await gateway.aauthorize(order, CODE, pin=PIN)

    asyncio.run(pay())
    assert names(telemetry.spans()) == ["POST /reservations", "authorize"]


def client(server, transport=None):
    return AsyncVoucherCloud(
        client_id="local-shop",
        client_secret="local-shop-secret",
        base_url=server.base_url,
        transport=transport,
    )


def test_the_async_client_has_spans_of_its_own(shop, server, telemetry):
    voucher = shop.voucher("20.00")

    async def read():
        async with client(server) as cloud:
            await asyncio.gather(cloud.get_voucher(voucher.id), cloud.get_voucher(voucher.id))

    asyncio.run(read())
    assert names(telemetry.spans()) == ["POST /oauth/token", "GET /vouchers/{id}", "GET /vouchers/{id}"]


class Hanging(httpx.AsyncBaseTransport):
    """Never answers."""

    def __init__(self):
        self.asked = asyncio.Event()

    async def handle_async_request(self, request):
        self.asked.set()
        await asyncio.Event().wait()


def test_a_call_that_is_cancelled_leaves_no_span_open(server, telemetry):
    async def cancelled():
        transport = Hanging()
        async with client(server, transport) as cloud:
            call = asyncio.create_task(cloud.authenticate())
            await transport.asked.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(cancelled())
    (request,) = telemetry.spans()
    assert request.attributes["error.type"] == "CancelledError"


class Stopping(httpx.BaseTransport):
    """Stops the worker in the middle of a request, as a server does."""

    def handle_request(self, request):
        stop()


def stop():
    raise SystemExit("CANARY")


def test_a_worker_that_is_stopped_leaves_no_span_open(shop, server, telemetry):
    options = {"client_id": "local-shop", "client_secret": "local-shop-secret", "base_url": server.base_url}
    with VoucherCloud(**options, transport=Stopping()) as cloud, pytest.raises(SystemExit):
        cloud.authenticate()
    with pytest.raises(SystemExit):
        gateway.settle(stop=stop)
    spans = telemetry.spans()
    assert names(spans) == ["POST /oauth/token", "settle"]
    assert {span.attributes["error.type"] for span in spans} == {"SystemExit"}
    assert "CANARY" not in repr([dict(span.attributes) for span in spans])


def test_a_backend_that_raises_changes_nothing(order, shop, telemetry):
    with telemetry.broken():
        gateway.authorize(order, CODE, pin=PIN)
        gateway.capture(order)
        with pytest.raises(VoucherUnusableError):
            gateway.authorize(shop.order("5.00", number="A-2"), f"{CODE}-X", pin=PIN)
    assert shop.bookings(shop.vouchers[0]) == [("charge", order.total)]
    assert not trace.get_current_span().get_span_context().is_valid
