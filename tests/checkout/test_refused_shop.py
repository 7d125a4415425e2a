"""A refused code and a refused shop: the API may answer both with the same status, and only one of them is a guess."""

import json
import logging
from dataclasses import replace

import pytest
from django.core.cache import cache

from tests.throttle.test_counts import SilentCache  # noqa: F401  named in CACHES below
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import CredentialsError, VoucherGatewayError, VoucherUnusableError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.short_memory import PROCESS_CACHE

APPLY, RENEW = "/vouchers/apply/", "/vouchers/renew/"
JSON = {"accept": "application/json"}
RESERVE = ("POST", "/v1/reservations")
RESERVATIONS = "/v1/reservations"
HINT = "A-1001"


@pytest.fixture
def client(shop, visit):
    return visit(shop.order(), headers=JSON)


@pytest.fixture
def codes(shop):
    """Codes that exist and cannot be redeemed, as (code, PIN)."""
    shop.voucher(code="GIFT-OFF-0001", status="inactive")
    shop.voucher(code="GIFT-PIN-0001", pin="2468")
    return {
        "unknown": ("GIFT-NIL-0001", ""),
        "wrong PIN": ("GIFT-PIN-0001", "1357"),
        "inactive": ("GIFT-OFF-0001", ""),
    }


@pytest.fixture
def refuses_with(shop):
    """Let the Voucher Cloud refuse codes that exist with this status, and unknown ones with 404 as ever."""

    def refuse(status):
        answer = shop.cloud.answer

        def with_status(request):
            response = answer(request)
            if response.status != 422:
                return response
            document = json.loads(response.body) | {"status": status}
            return replace(response, status=status, body=json.dumps(document).encode())

        shop.cloud.answer = with_status

    return refuse


@pytest.fixture
def reserved_codes(shop):
    """Return a function that yields the codes of the reservations requested since its last call."""
    seen, answer = [], shop.cloud.answer

    def note(request):
        if request.path == RESERVATIONS:
            seen.append(json.loads(request.body)["code"])
        return answer(request)

    shop.cloud.answer = note

    def codes():
        found = seen[:]
        seen.clear()
        return found

    return codes


def alerts(caplog, level="ERROR"):
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelname == level and record.name == "voucher_payment_gateway"
    ]


# The code is refused


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_whatever_status_refuses_a_code_the_guesser_reads_the_same(client, codes, refuses_with, status):
    refuses_with(status)
    seen = [client.post(APPLY, {"code": code, "pin": pin}) for code, pin in codes.values()]
    assert {response.status_code for response in seen} == {422}
    assert {json.loads(response.content)["error"]["code"] for response in seen} == {"voucher_unusable"}


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422])
def test_whatever_status_refuses_a_code_it_counts(client, codes, refuses_with, gateway_settings, status):
    gateway_settings(THROTTLE={"session": "2/1h", "refusal_seconds": 0})
    refuses_with(status)
    answers = [client.post(APPLY, {"code": "GIFT-PIN-0001", "pin": "1"}).status_code for _ in range(3)]
    assert answers == [422, 422, 429]


@pytest.mark.parametrize("first", ["unknown", "wrong PIN", "inactive"])
@pytest.mark.parametrize("status", [400, 403, 409, 422])
def test_whatever_status_refuses_a_code_it_costs_the_same_calls(
    shop, client, codes, refuses_with, status, first
):
    """Also for the first guess after a minute, which costs a control reservation as well."""
    refuses_with(status)
    calls = []
    for code, pin in [codes.pop(first), *codes.values()]:
        client.post(APPLY, {"code": code, "pin": pin})
        calls.append(shop.calls())
    assert calls == [[RESERVE] * 3, [RESERVE] * 2, [RESERVE] * 2]


def test_a_code_that_is_refused_with_401_costs_no_more_calls_but_once_in_a_minute(
    shop, client, codes, refuses_with
):
    """The first 401 may be about the token, so a new one is requested. No later one in that minute is."""
    refuses_with(401)
    client.post(APPLY, {"code": "GIFT-PIN-0001", "pin": "1"})
    for code, pin in codes.values():
        shop.cloud.forget_requests()
        client.post(APPLY, {"code": code, "pin": pin})
        assert [(call.method, call.path) for call in shop.cloud.requests] == [RESERVE] * 2


def test_the_control_reservation_has_a_new_code_and_is_remembered_for_a_minute(
    client, codes, reserved_codes, refuses_with
):
    refuses_with(403)
    for _ in range(2):
        client.post(APPLY, {"code": "GIFT-OFF-0001"})
    [_, control, *others] = reserved_codes()
    assert set(others) == {"GIFT-OFF-0001"}
    cache.clear()
    PROCESS_CACHE.clear()
    client.post(APPLY, {"code": "GIFT-OFF-0001"})
    [another] = {code for code in reserved_codes() if not code.startswith("GIFT")}
    assert another != control
    assert len(control) == len(another) == 29


def test_a_voucher_that_holds_less_is_held_where_the_balance_is_refused_with_403(shop, refuses_with):
    refuses_with(403)
    shop.voucher("20.00", code="GIFT-2000")
    assert gateway.authorize(shop.order("50.00"), "GIFT-2000").amount_authorized == 20


@pytest.mark.parametrize("balance", ["20.00", "70.00"])
@pytest.mark.parametrize("taxable", [True, None])
@pytest.mark.parametrize("released", [True, False])
def test_a_taxed_voucher_that_the_shop_refuses_costs_the_calls_of_every_refusal(
    shop, client, codes, gateway_settings, balance, taxable, released
):
    gateway_settings(TAXABLE_VOUCHERS="refuse", CANCEL_RESERVATION_CALL=released)
    voucher = shop.voucher(balance, code="GIFT-TAX-0001")
    shop.cloud.store.voucher(voucher.id).taxable = taxable
    client.post(APPLY, {"code": "GIFT-NIL-0001"})
    shop.calls()
    response = client.post(APPLY, {"code": "GIFT-TAX-0001"})
    assert (response.status_code, json.loads(response.content)["error"]["code"]) == (422, "voucher_unusable")
    assert len(shop.calls()) == 2
    assert not VoucherPayment.objects.exists()


# While a code is being charged


@pytest.fixture
def charging(shop):
    """Another order is being paid with a voucher that has a PIN."""
    voucher = shop.voucher("20.00", code="GIFT-OWN-0001", pin="2468")
    owner = shop.order("20.00", number="A-2")
    gateway.authorize(owner, "GIFT-OWN-0001", pin="2468")
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(VoucherGatewayError):
        gateway.capture(owner)
    shop.calls()
    return voucher


def test_who_guesses_a_code_that_is_being_charged_reads_and_pays_as_for_any_other(
    shop, client, charging, reserved_codes, gateway_settings
):
    gateway_settings(THROTTLE={"session": "5/1h", "refusal_seconds": 0})
    guesses = [("GIFT-NIL-0001", ""), ("GIFT-OWN-0001", ""), ("GIFT-OWN-0001", "1357")]
    calls, answers = [], []
    for code, pin in guesses:
        answers.append(client.post(APPLY, {"code": code, "pin": pin}))
        calls.append(shop.calls())
    assert {response.status_code for response in answers} == {422}
    assert calls == [[RESERVE] * 3, [RESERVE] * 2, [RESERVE] * 2]
    codes = [client.post(APPLY, {"code": "GIFT-OWN-0001"}).status_code for _ in range(3)]
    assert codes == [422, 422, 429]
    assert "GIFT-OWN-0001" not in reserved_codes(), "its reservation would replace the one that is charged"


def test_the_first_guess_in_a_minute_at_a_code_that_is_being_charged_costs_the_control_too(
    shop, client, charging
):
    client.post(APPLY, {"code": "GIFT-OWN-0001"})
    assert shop.calls() == [RESERVE] * 3


def test_who_knows_the_pin_of_a_code_that_is_being_charged_is_asked_to_wait(shop, client, charging):
    response = client.post(APPLY, {"code": "GIFT-OWN-0001", "pin": "2468"})
    assert (response.status_code, shop.calls()) == (409, [])
    assert json.loads(response.content)["error"]["code"] == "operation_in_progress"


def test_a_selected_guess_at_a_code_that_is_being_charged_is_refused_as_any_other(
    shop, charging, reserved_codes
):
    order = shop.order("50.00")
    gateway.select(order, "GIFT-OWN-0001", pin="1357")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize_selected(order)
    assert order.voucher_payments.get().status == "failed"
    assert "GIFT-OWN-0001" not in reserved_codes()


# The shop is refused


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_shop_counts_nothing_and_serves_again_once_it_is_mended(
    shop, client, gateway_settings, caplog, status
):
    gateway_settings(THROTTLE={"session": "1/1h", "refusal_seconds": 0})
    shop.voucher("20.00", code="GIFT-2000")
    shop.cloud.faults.next(f"before:{status}", path=RESERVATIONS, times=None)
    answers = [client.post(APPLY, {"code": "GIFT-2000"}) for _ in range(4)]
    assert {response.status_code for response in answers} == {503}
    assert {json.loads(response.content)["error"]["code"] for response in answers} == {"unavailable"}
    [line] = alerts(caplog)
    assert HINT in line
    assert "voucher_doctor" in line
    assert f"status {status}" in line
    assert "GIFT" not in line
    shop.cloud.faults.clear()
    assert client.post(APPLY, {"code": "GIFT-2000"}).status_code == 200


def test_a_refused_shop_is_asked_about_once_in_a_minute(shop, client):
    shop.cloud.faults.next("before:403", path=RESERVATIONS, times=None)
    calls = []
    for _ in range(3):
        client.post(APPLY, {"code": "GIFT-2000"})
        calls.append(len(shop.calls()))
    assert calls == [2, 1, 1]


def test_rejected_credentials_are_told_of_a_plain_form_too(shop, visit, messages_of, caplog):
    shop.cloud.faults.next("before:401", path="/oauth/token", times=None)
    response = visit(shop.order()).post(APPLY, {"code": "GIFT-2000"})
    assert "cannot be checked just now" in messages_of(response)[0]
    [line] = alerts(caplog)
    assert "CLIENT_SECRET" in line
    assert HINT in line


def test_a_missing_right_to_read_a_balance_is_told_and_no_guess(shop, client, gateway_settings, caplog):
    gateway_settings(THROTTLE={"session": "1/1h", "refusal_seconds": 0})
    shop.voucher("20.00", code="GIFT-2000")
    shop.cloud.faults.next("before:403", method="GET", path="/v1/vouchers/*", times=None)
    assert [client.post(APPLY, {"code": "GIFT-2000"}).status_code for _ in range(2)] == [503, 503]
    [line] = alerts(caplog)
    assert "right read" in line


# The service is away, or something else answers


@pytest.mark.parametrize(
    ("fault", "level", "words"),
    [
        ("before:503", "WARNING", "does not answer"),
        ("before:html502", "WARNING", "does not answer"),
        ("before:drop", "WARNING", "does not answer"),
        ("before:429", "WARNING", "does not answer"),
        ("before:html404", "ERROR", "BASE_URL"),
        ("before:html403", "ERROR", "BASE_URL"),
        ("before:garbage", "ERROR", "BASE_URL"),
        ("before:redirect", "ERROR", "BASE_URL"),
    ],
)
def test_an_outage_uses_up_no_limit_and_is_told_once(
    shop, client, gateway_settings, caplog, fault, level, words
):
    gateway_settings(THROTTLE={"session": "1/1h", "everyone": "1/1h", "refusal_seconds": 0})
    shop.voucher("20.00", code="GIFT-2000")
    shop.cloud.faults.next(fault, path=RESERVATIONS, times=None)
    assert {client.post(APPLY, {"code": "GIFT-2000"}).status_code for _ in range(4)} <= {503, 429}
    [line] = alerts(caplog, level)
    assert words in line
    assert HINT in line
    shop.cloud.faults.clear()
    assert client.post(APPLY, {"code": "GIFT-2000"}).status_code == 200


def test_the_confirmation_tells_as_well(shop, caplog):
    order = shop.order()
    gateway.select(order, "GIFT-2000")
    shop.cloud.faults.next("before:403", path=RESERVATIONS, times=None)
    with pytest.raises(CredentialsError):
        gateway.authorize_selected(order)
    [line] = alerts(caplog)
    assert HINT in line


def test_a_charge_tells_as_well(shop, caplog):
    shop.voucher("20.00", code="GIFT-2000")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000")
    shop.cloud.faults.next("before:403", path="*/charge", times=None)
    with pytest.raises(CredentialsError):
        gateway.capture(order)
    assert any(HINT in line and "right use" in line for line in alerts(caplog))


def test_a_refused_code_is_no_matter_for_the_operator(client, codes, caplog):
    with caplog.at_level(logging.INFO, "voucher_payment_gateway"):
        for code, pin in codes.values():
            client.post(APPLY, {"code": code, "pin": pin})
    assert alerts(caplog) == alerts(caplog, "WARNING") == []


# Reserving again


def test_reserving_again_is_throttled(shop, visit, gateway_settings):
    """A total that changes with every request makes each of them a reservation."""
    gateway_settings(THROTTLE={"holds": "5/1h", "refusal_seconds": 0})
    shop.voucher("50.00", code="GIFT-5000")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-5000")
    client, answers = visit(order, headers=JSON), []
    shop.calls()
    for number in range(8):
        order.total = 40 - number
        order.save()
        answers.append(client.post(RENEW).status_code)
    assert answers == [200] * 5 + [429] * 3
    assert shop.calls().count(RESERVE) == 5


# The cache


def test_a_cache_that_returns_nothing_stops_no_checkout_and_is_still_told(shop, client, settings, caplog):
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.SilentCache"}}
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    shop.voucher("20.00", code="GIFT-2000")
    assert client.post(APPLY, {"code": "GIFT-2000"}).status_code == 200
    shop.cloud.faults.next("before:403", path=RESERVATIONS, times=None)
    assert [client.post(APPLY, {"code": "GIFT-3000"}).status_code for _ in range(3)] == [503] * 3
    assert len([line for line in alerts(caplog) if HINT in line]) == 1
