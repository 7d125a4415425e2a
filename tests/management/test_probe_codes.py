"""What the probe makes of the API's error codes."""

import httpx
import pytest

from tests.management.bench import pasted
from voucher_payment_gateway.api.diagnostics import RecordingTransport
from voucher_payment_gateway.management.probe.findings import error_meanings
from voucher_payment_gateway.sandbox import DOCUMENTED

CODES = {
    "balance": ("RESERVATION.BALANCE", "insufficient_balance"),
    "pin": ("RESERVATION.PIN", "unusable"),
    "unusable": ("RESERVATION.STATE", "unusable"),
    "currency": ("RESERVATION.CURRENCY", "currency_mismatch"),
    "closed": ("RESERVATION.GONE", "reservation_closed"),
}


def test_codes_that_tell_mistakes_apart_become_error_meanings(bench):
    names = {reason: code for reason, (code, _) in CODES.items()}
    findings = bench.run(DOCUMENTED.but(code_names=names, refusal_status=403))
    assert pasted(error_meanings(findings.values()))["ERROR_MEANINGS"] == dict(CODES.values())


@pytest.mark.parametrize("behaviour", [DOCUMENTED, DOCUMENTED.but(error_codes="opaque")])
def test_codes_that_are_vague_or_change_mean_nothing(bench, behaviour):
    findings = bench.run(behaviour)
    assert pasted(error_meanings(findings.values()))["ERROR_MEANINGS"] == {}


def test_a_wrong_pin_that_is_accepted_is_told(bench):
    real = bench.transport

    def without_pins(request):
        if not request.url.path.endswith("/vouchers"):
            return None
        content = request.content.replace(b'"pin"', b'"sku"')
        return real.handle_request(
            httpx.Request(request.method, request.url, headers=request.headers, content=content)
        )

    bench.through(without_pins)
    assert bench.run()["wrong PIN"].value == "accepted"
    assert bench.is_tidy()


def test_codes_of_single_fields_are_seen_and_the_answer_is_passed_on_whole():
    document = {"status": 422, "code": "A", "message": "no", "errors": [{"code": "B"}, {"code": "not one"}]}
    recorder = RecordingTransport(httpx.MockTransport(lambda request: httpx.Response(422, json=document)))
    answer = recorder.handle_request(httpx.Request("POST", "http://cloud.example/v1/reservations"))
    answer.read()
    assert recorder.field_codes == {"B"}
    assert answer.json() == document


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors": 5}'])
def test_an_answer_that_is_no_error_document_has_no_codes(body):
    recorder = RecordingTransport(httpx.MockTransport(lambda request: httpx.Response(400, content=body)))
    answer = recorder.handle_request(httpx.Request("GET", "http://cloud.example/v1/vouchers"))
    assert (recorder.field_codes, answer.read()) == (frozenset(), body)
