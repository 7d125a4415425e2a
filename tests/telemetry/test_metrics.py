"""Counters and histograms: what each verb, call, operation, signal and limit counts."""

import pytest

from tests.gateway.webhook_receiver import webhook_receiver
from tests.throttle.conftest import guess, visitor
from voucher_payment_gateway import gateway
from voucher_payment_gateway.api.webhook import post
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import CredentialsError, OutcomeUnknownError, ThrottledError
from voucher_payment_gateway.telemetry.instruments import INSTRUMENTS

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def order(shop, telemetry):
    shop.voucher("20.00")
    order = shop.order("20.00")
    voucher_cloud().authenticate()
    telemetry.collected()
    return order


def test_an_order_that_is_paid_and_returned_is_counted(order, telemetry):
    gateway.authorize(order, CODE)
    gateway.capture(order)
    gateway.refund(order)
    found = telemetry.collected()
    assert counts(found, "verb.duration") == {"authorize": 1, "capture": 1, "refund": 1}
    assert counts(found, "api.calls") == {
        "POST /reservations": 1,
        "POST /reservations/{id}/charge": 1,
        "GET /vouchers/{id}/charges": 1,
        "POST /charges/{id}/refund": 1,
    }
    assert counts(found, "operations") == {
        "reserve succeeded": 1,
        "charge succeeded": 1,
        "refund succeeded": 1,
    }
    signals = ("payment_authorized", "payment_captured", "payment_refunded")
    assert counts(found, "signals") == {f"no {signal}": 1 for signal in signals}
    requests = found["voucher_payment_gateway.api.request.duration"]
    assert sum(point.count for point in requests) == 4
    assert all(0 < point.sum < 60 for point in requests)


def counts(found, name):
    """Return the counts by the values of the attributes, in the order of their names."""
    return {
        " ".join(str(value) for _, value in sorted(point.attributes.items())): getattr(point, "count", None)
        or point.value
        for point in found[f"voucher_payment_gateway.{name}"]
    }


def test_what_fails_is_counted_by_the_class_of_its_error(order, shop, telemetry):
    gateway.authorize(order, CODE)
    telemetry.collected()
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    shop.later(minutes=3)
    gateway.settle()
    found = telemetry.collected()
    assert counts(found, "verb.duration") == {"OutcomeUnknownError capture": 1, "settle": 1}
    assert counts(found, "api.calls")["POST /reservations/{id}/charge OutcomeUnknownError"] == 1
    assert counts(found, "operations") == {"charge unknown": 1, "charge succeeded": 1}


def test_an_outcome_that_is_rolled_back_is_not_counted(order, shop, telemetry):
    """The first attempt of beat three conflicts: it is retried, and counted once."""
    from django.db import transaction

    gateway.authorize(order, CODE)
    telemetry.collected()
    with transaction.atomic():
        gateway.capture(order)
        transaction.set_rollback(True)
    assert telemetry.counted("operations") == {}


def test_refused_credentials_are_counted_where_no_call_follows(shop, gateway_settings, telemetry):
    gateway_settings(CLIENT_SECRET="wrong")
    with pytest.raises(CredentialsError):
        voucher_cloud().authenticate()
    assert telemetry.counted("api.calls") == {("call=POST /oauth/token", "error.type=CredentialsError"): 1}


def test_a_stopped_attempt_is_counted_with_its_limit(limits, telemetry):
    limits(session="2/1h")
    telemetry.collected()
    assert [guess(visitor()) for _ in range(4)][2:] == [ThrottledError] * 2
    assert telemetry.counted("throttle.hits") == {("limit=session",): 2}


def test_no_attribute_is_there_that_is_not_declared(order, shop, telemetry):
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("before:500", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    declared = {each.name: set(each.attributes) for each in INSTRUMENTS}
    for name, points in telemetry.collected().items():
        assert {key for point in points for key in point.attributes} <= declared[name], name


def test_a_webhook_to_staff_is_no_request_to_the_voucher_cloud(telemetry):
    """Its receiver may be slow, and alarms would say that the Voucher Cloud is."""
    with webhook_receiver() as receiver:
        assert post(receiver.url, {}, b"{}") == 204
    assert telemetry.spans() == []
    assert telemetry.points("api.request.duration") == []
