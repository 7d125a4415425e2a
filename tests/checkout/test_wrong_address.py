"""A wrong BASE_URL whose every path is a 404 in the API's own form: told at run time, and no guess of a customer."""

import json
from dataclasses import replace

import pytest

from tests.checkout.test_refused_shop import APPLY, HINT, JSON, RESERVATIONS, RESERVE, alerts
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import UnavailableError

LIST = ("GET", "/v1/vouchers")


@pytest.fixture
def client(shop, visit):
    return visit(shop.order(), headers=JSON)


@pytest.fixture
def wrong_address(gateway_settings, server):
    gateway_settings(BASE_URL=f"{server.url}/v2", THROTTLE={"session": "1/1h", "refusal_seconds": 0})


@pytest.fixture
def not_found_as(shop):
    """Let the Voucher Cloud refuse unknown codes with this status and error code."""

    def refuse(code, status=404):
        answer = shop.cloud.answer

        def renamed(request):
            response = answer(request)
            if request.path != RESERVATIONS or response.status != 404:
                return response
            document = json.loads(response.body) | {"status": status, "code": code}
            return replace(response, status=status, body=json.dumps(document).encode())

        shop.cloud.answer = renamed

    return refuse


@pytest.mark.usefixtures("wrong_address")
def test_it_is_told_once_and_counts_no_guess(shop, client, gateway_settings, server, caplog):
    shop.voucher("20.00", code="GIFT-2000")
    answers = [client.post(APPLY, {"code": "GIFT-2000"}) for _ in range(4)]
    assert {response.status_code for response in answers} == {503}
    [line] = alerts(caplog)
    assert HINT in line
    assert "BASE_URL" in line
    assert "status 404" in line
    assert "API code NOT_FOUND" in line
    assert "GIFT" not in line
    gateway_settings(BASE_URL=server.base_url)
    assert client.post(APPLY, {"code": "GIFT-2000"}).status_code == 200


@pytest.mark.usefixtures("wrong_address")
def test_the_list_of_vouchers_is_looked_for_once_in_a_minute(shop, client):
    calls = []
    for _ in range(2):
        client.post(APPLY, {"code": "GIFT-2000"})
        calls.append([path for _, path in shop.calls()])
    assert calls == [["/v2/reservations"] * 3 + ["/v2/vouchers"], ["/v2/reservations"] * 2]


@pytest.mark.usefixtures("wrong_address")
def test_a_confirmation_does_not_fail_a_voucher_there(shop):
    order = shop.order("20.00")
    gateway.select(order, shop.voucher("20.00").code)
    with pytest.raises(UnavailableError) as caught:
        gateway.authorize_selected(order)
    assert caught.value.code == "address_wrong"
    assert order.voucher_payments.get().status == "selected"


@pytest.mark.parametrize("code", ["VOUCHER.NOT_FOUND", "RESERVATION.SOME_CODE"])
def test_a_wrong_code_that_is_refused_as_one_costs_no_look_at_the_list(shop, client, not_found_as, code):
    not_found_as(code)
    assert client.post(APPLY, {"code": "GIFT-2000"}).status_code == 422
    assert shop.calls() == [RESERVE] * 3


@pytest.mark.parametrize(
    ("code", "status"), [("NOT_FOUND", 404), ("GIFT_CARD.NOT_FOUND", 404), ("GONE", 410)]
)
def test_where_the_list_is_there_a_code_of_any_name_is_a_wrong_guess(
    shop, client, not_found_as, gateway_settings, caplog, code, status
):
    gateway_settings(THROTTLE={"session": "2/1h", "refusal_seconds": 0})
    not_found_as(code, status)
    assert [client.post(APPLY, {"code": "GIFT-2000"}).status_code for _ in range(3)] == [422, 422, 429]
    assert shop.calls() == [*[RESERVE] * 3, LIST, *[RESERVE] * 2]
    assert alerts(caplog) == []


@pytest.mark.parametrize("fault", ["before:403", "before:503", "before:html404", "before:drop"])
def test_a_list_that_cannot_be_read_proves_nothing(
    shop, client, not_found_as, gateway_settings, caplog, fault
):
    gateway_settings(THROTTLE={"session": "1/1h", "refusal_seconds": 0})
    not_found_as("NOT_FOUND")
    shop.cloud.faults.next(fault, path="/v1/vouchers", times=None)
    assert [client.post(APPLY, {"code": "GIFT-2000"}).status_code for _ in range(2)] == [422, 429]
    assert alerts(caplog) == []


@pytest.mark.usefixtures("wrong_address")
def test_what_is_remembered_of_the_address_excuses_no_other_refusal(shop, client, gateway_settings):
    """A code that the shop itself refuses, since it does not fit, is a guess wherever the API is."""
    client.post(APPLY, {"code": "GIFT-2000"})
    gateway_settings(CODE_PATTERN=r"GIFT-\d{4}")
    assert [client.post(APPLY, {"code": "NO"}).status_code for _ in range(2)] == [422, 429]
