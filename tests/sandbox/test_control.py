"""The page and the controls: for this machine only."""

import re

import httpx
import pytest

from voucher_payment_gateway.sandbox import SCOPES


@pytest.fixture
def control(server):
    with httpx.Client(base_url=server.url) as client:
        yield client


def test_the_page_and_its_parts_are_served_without_anything_from_elsewhere(control):
    page = control.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for name in ("page.css", "page.js"):
        assert f"/sandbox/{name}" in page.text
        assert control.get(f"/sandbox/{name}").status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_the_clock_is_moved(control, cloud):
    before = cloud.clock.now()
    answer = control.post("/sandbox/clock", json={"advance_seconds": 1800})
    assert answer.json() == {"now": "2026-01-31T12:30:00+00:00"}
    assert (cloud.clock.now() - before).total_seconds() == 1800
    for wrong in ({}, {"advance_seconds": "1"}, {"advance_seconds": True}, {"advance_seconds": 10**20}):
        assert control.post("/sandbox/clock", json=wrong).status_code == 422


def test_a_voucher_is_added(control, cloud):
    body = {
        "code": "NEW",
        "pin": "4711",
        "amount": "12.34",
        "currency": "CHF",
        "status": "inactive",
        "sku": "S",
    }
    added = control.post("/sandbox/vouchers", json=body).json()
    assert {name: added[name] for name in body} == body
    assert control.post("/sandbox/vouchers", json={}).json()["status"] == "active"
    assert control.post("/sandbox/vouchers", json={"code": "NEW"}).status_code == 422
    for wrong in (
        {"amount": 5},
        {"status": "lost"},
        {"amount": "5"},
        {"client_id": "x"},
        {"valid_until": "x"},
    ):
        assert control.post("/sandbox/vouchers", json=wrong).status_code == 422


def test_a_pin_is_issued(control, server):
    issued = control.post("/sandbox/pins", json={}).json()
    assert issued["valid_until"] == "2026-01-31T12:30:00+00:00"
    connected = httpx.post(f"{server.base_url}/clients/connect", json={"pin": issued["pin"]}).json()
    assert connected["id"] == issued["client_id"] == "local-shop"
    assert control.post("/sandbox/pins", json={"client_id": "nobody"}).status_code == 404


def test_a_client_is_added(control, cloud):
    added = control.post("/sandbox/clients", json={"name": "Till", "scopes": ["use"]}).json()
    assert (added["name"], added["scopes"]) == ("Till", ["use"])
    assert control.post("/sandbox/clients", json={}).json()["scopes"] == list(SCOPES)
    for wrong in ({"scopes": ["all"]}, {"colour": "red"}, {"scopes": 5}, {"scopes": [[]]}, {"name": 5}):
        assert control.post("/sandbox/clients", json=wrong).status_code == 422


def test_faults_are_scripted_landed_and_cleared(control, api, cloud, voucher):
    body = {"fault": "late:504", "method": "POST", "path": "*/charge", "times": 1}
    assert control.post("/sandbox/faults", json=body).status_code == 200
    assert api.charge(api.reserve().json()["id"]).status_code == 504
    assert control.post("/sandbox/faults/land", json={}).json() == {"landed": 1}
    assert len(cloud.bookings(voucher.id)) == 1
    control.post("/sandbox/faults", json={"fault": "before:500", "times": None})
    control.post("/sandbox/faults", json={})
    assert api.get("/vouchers").status_code == 200
    for wrong in ({"fault": "x"}, {"fault": 5}, {"times": 1}, {"fault": "after:500", "times": "x"}):
        assert control.post("/sandbox/faults", json=wrong).status_code == 422


def test_the_behaviour_is_switched(control, cloud):
    assert control.post("/sandbox/behaviour", json={"post_status": 201}).json()["post_status"] == 201
    assert cloud.behaviour.post_status == 201
    assert control.post("/sandbox/behaviour", json={"post_status": 204}).status_code == 422


def test_the_state_tells_everything(control, api, cloud, voucher):
    api.reserve_and_charge()
    for _ in range(2):
        api.reserve()
    cloud.issue_pin()
    state = control.get("/sandbox/state").json()
    assert [(row["code"], row["remaining_amount"], row["held_amount"]) for row in state["vouchers"]] == [
        ("GIFT-20", "15.00", "5.00")
    ]
    assert [row["state"] for row in state["reservations"]] == ["charged", "replaced", "open"]
    assert [row["type"] for row in state["bookings"]] == ["charge"]
    assert [row["id"] for row in state["clients"]] == ["local-shop"]
    assert [row["usable"] for row in state["pins"]] == [True]
    assert "local-shop-secret" not in str(state)
    cloud.clock.advance(1801)
    state = control.get("/sandbox/state").json()
    assert [row["state"] for row in state["reservations"]] == ["charged", "replaced", "lapsed"]
    assert [row["usable"] for row in state["pins"]] == [False]
    cloud.behaviour = cloud.behaviour.but(cancel_reservation="works")
    api.delete(f"/reservations/{api.reserve().json()['id']}")
    assert control.get("/sandbox/state").json()["reservations"][-1]["state"] == "cancelled"


@pytest.mark.parametrize("path", ["/", "/sandbox/state", "/sandbox/page.js", "/openapi.json"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[", "", "10.0.0.1:8900"])
def test_a_host_that_is_not_loopback_is_turned_away(control, path, host):
    assert control.get(path, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8900", "127.0.0.1", "[::1]:8900"])
def test_loopback_names_are_let_in(control, host):
    assert control.get("/sandbox/state", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_another_sites_post_is_turned_away(control, cloud, origin):
    before = cloud.clock.now()
    answer = control.post("/sandbox/clock", json={"advance_seconds": 1}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert cloud.clock.now() == before


def test_the_pages_own_post_is_let_in_and_a_form_is_not(control, server):
    own = {"Origin": server.url}
    assert control.post("/sandbox/pins", json={}, headers=own).status_code == 200
    assert control.post("/sandbox/pins", data={"client_id": "local-shop"}).status_code == 415


def test_unknown_controls_and_methods_are_4xx(control):
    assert control.post("/sandbox/nothing", json={}).status_code == 404
    assert control.get("/sandbox/clock").status_code == 405
    assert control.get("/favicon.ico").status_code == 404


def test_the_description_names_every_operation_that_is_served(control, cloud):
    description = control.get("/openapi.json").json()
    operations = {(method, path) for path, methods in description["paths"].items() for method in methods}
    assert len(operations) == 16
    assert ("delete", "/v1/reservations/{id}") not in operations
    cloud.behaviour = cloud.behaviour.but(cancel_reservation="works", post_status=201)
    description = control.get("/openapi.json").json()
    assert "delete" in description["paths"]["/v1/reservations/{id}"]
    assert "201" in description["paths"]["/v1/reservations"]["post"]["responses"]
    for methods in description["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                name = schema.get("$ref", "/Error").rpartition("/")[2]
                assert name in description["components"]["schemas"]


def test_a_voucher_is_activated_deactivated_and_topped_up(control, cloud):
    voucher = cloud.add_voucher(code="NEW", amount="20.00", currency="CHF", status="inactive")
    for status in ("active", "inactive", "active"):
        body = {"code": "NEW", "status": status}
        assert control.post("/sandbox/vouchers/status", json=body).json()["status"] == status
        assert cloud.voucher(voucher.id).status == status
    booked = control.post("/sandbox/vouchers/top-up", json={"code": "NEW", "amount": "5.50"}).json()
    assert (booked["type"], booked["amount"]) == ("recharge", "5.50")
    assert str(cloud.balance(voucher.id)) == "25.50"


@pytest.mark.parametrize("path", ["status", "top-up"])
def test_what_cannot_be_done_to_a_voucher_is_said(control, cloud, path):
    cloud.add_voucher(code="NEW")
    for body, status in (
        ({}, 404),
        ({"code": "NIL", "amount": "5.00", "status": "active"}, 404),
        ({"code": ["NEW"]}, 404),
        ({"code": "NEW"}, 422),
        ({"code": "NEW", "amount": "-5.00", "status": "lost"}, 422),
        ({"code": "NEW", "amount": 5, "status": 5}, 422),
    ):
        answer = control.post(f"/sandbox/vouchers/{path}", json=body)
        assert (answer.status_code, bool(answer.json()["message"])) == (status, True), body


def test_every_address_of_the_page_is_its_own(control):
    """Its Content Security Policy allows no other."""
    page = control.get("/")
    for address in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        assert control.get(address).status_code == 200, address
    assert "<style" not in page.text
    assert " style=" not in page.text
