"""Credentials, tokens, scopes and connect PINs."""

import httpx
import pytest

from tests.sandbox.conftest import token_of
from voucher_payment_gateway.sandbox import SCOPES

CALLS = {
    ("POST", "/clients/disconnect"): set(),
    ("POST", "/vouchers"): {"manage"},
    ("GET", "/vouchers"): {"read-lists"},
    ("GET", "/vouchers/none"): {"read"},
    ("GET", "/vouchers/none/complete"): {"read", "read-secrets"},
    ("PATCH", "/vouchers/none"): {"update"},
    ("PATCH", "/vouchers/none/status"): {"use"},
    ("DELETE", "/vouchers/none"): {"manage"},
    ("POST", "/vouchers/recharge"): {"recharge"},
    ("GET", "/vouchers/none/charges"): {"read-lists"},
    ("GET", "/vouchers/none/charges/none"): {"read"},
    ("POST", "/reservations"): {"use"},
    ("POST", "/reservations/none/charge"): {"use"},
    ("POST", "/charges/none/refund"): {"use"},
}


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_each_operation_needs_exactly_its_scopes(cloud, connect, call):
    method, path = call
    enough = cloud.add_client(scopes=CALLS[call])
    assert connect(enough.id, enough.secret).request(method, path).status_code != 403
    for lacking in CALLS[call]:
        client = cloud.add_client(scopes=set(SCOPES) - {lacking})
        answer = connect(client.id, client.secret).request(method, path)
        assert answer.status_code == 403
        assert answer.json()["status"] == 403


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}])
def test_without_a_valid_token_every_operation_answers_401(server, call, header):
    method, path = call
    answer = httpx.request(method, f"{server.base_url}{path}", headers=header)
    assert (answer.status_code, answer.json()["status"]) == (401, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_ends_when_it_said(cloud, server):
    cloud.token_seconds = 60
    granted = token_of(server.url).json()
    assert granted["expires_in"] == 60
    headers = {"Authorization": f"Bearer {granted['access_token']}"}
    cloud.clock.advance(59)
    assert httpx.get(f"{server.base_url}/vouchers", headers=headers).status_code == 200
    cloud.clock.advance(1)
    assert httpx.get(f"{server.base_url}/vouchers", headers=headers).status_code == 401


def test_revoked_tokens_answer_401(api, cloud):
    assert api.get("/vouchers").status_code == 200
    cloud.revoke_tokens()
    assert api.get("/vouchers").status_code == 401


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "read everything"}, 400, "invalid_scope"),
        ({"client_type": "x" * 33}, 400, "invalid_request"),
    ],
)
def test_token_errors_have_the_shape_of_oauth(server, fields, status, error):
    answer = token_of(server.url, **fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "error_description"}


def test_a_token_request_may_send_its_credentials_in_the_header(server):
    form = {"grant_type": "client_credentials"}
    auth = ("local-shop", "local-shop-secret")
    assert httpx.post(f"{server.url}/oauth/token", data=form, auth=auth).status_code == 200
    bad = httpx.post(f"{server.url}/oauth/token", data=form, headers={"Authorization": "Basic ***"})
    assert bad.status_code == 401


def test_a_token_request_that_is_no_form_is_refused(server):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx.post(f"{server.url}/oauth/token", content=b"\xff", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_dead_tokens_are_forgotten(cloud, server):
    for _ in range(3):
        token_of(server.url)
        cloud.clock.advance(3600)
    assert len(cloud.store.state.tokens) == 1


def test_a_token_request_in_json_is_refused(server):
    assert httpx.post(f"{server.url}/oauth/token", json={}).json()["error"] == "invalid_request"
    assert httpx.get(f"{server.url}/oauth/token").status_code == 405


def test_a_token_can_be_asked_for_with_fewer_scopes(cloud, server):
    token = token_of(server.url, scope="read").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{server.base_url}/vouchers/none", headers=headers).status_code == 404
    assert httpx.get(f"{server.base_url}/vouchers", headers=headers).status_code == 403


def connect_with(server, **body):
    return httpx.post(f"{server.base_url}/clients/connect", json=body)


@pytest.mark.parametrize(("seconds", "status"), [(1799, 200), (1800, 422)])
def test_a_connect_pin_lives_thirty_minutes(cloud, server, seconds, status):
    pin = cloud.issue_pin(cloud.add_client().id)
    cloud.clock.advance(seconds)
    assert connect_with(server, pin=pin).status_code == status


def test_a_connect_pin_works_once(cloud, server):
    client = cloud.add_client(name="Shop")
    pin = cloud.issue_pin(client.id)
    assert connect_with(server, pin=pin).json() == {
        "id": client.id,
        "secret": client.secret,
        "client_group_id": client.group_id,
        "name": "Shop",
        "scopes": [],
        "created_at": "2026-01-31T12:00:00+00:00",
        "updated_at": "2026-01-31T12:00:00+00:00",
        "connected_at": "2026-01-31T12:00:00+00:00",
        "type": "pos",
    }
    assert connect_with(server, pin=pin).status_code == 422
    assert token_of(server.url, client.id, client.secret).status_code == 200


def test_disconnecting_a_client_ends_its_tokens_and_its_secret_and_no_other_clients(cloud, connect, server):
    client, other = cloud.add_client(), cloud.add_client()
    api, second, others = connect(client.id, client.secret), connect(client.id, client.secret), connect()
    answer = api.post("/clients/disconnect")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (api.get("/vouchers").status_code, second.get("/vouchers").status_code) == (401, 401)
    assert api.post("/clients/disconnect").status_code == 401
    assert token_of(server.url, client.id, client.secret).json()["error"] == "invalid_client"
    assert token_of(server.url, client.id, "").json()["error"] == "invalid_client"
    assert others.get("/vouchers").status_code == 200
    assert token_of(server.url, other.id, other.secret).status_code == 200


def test_a_disconnected_client_connects_again_and_gets_a_new_secret(cloud, connect, server):
    client = cloud.add_client()
    connect(client.id, client.secret).post("/clients/disconnect")
    connected = connect_with(server, pin=cloud.issue_pin(client.id)).json()
    assert (connected["id"], connected["secret"] == client.secret) == (client.id, False)
    assert token_of(server.url, client.id, connected["secret"]).status_code == 200


def test_the_local_clients_secret_is_the_well_known_one_again_once_it_is_connected(api, cloud, server):
    api.post("/clients/disconnect")
    assert token_of(server.url).status_code == 401
    assert connect_with(server, pin=cloud.issue_pin()).json()["secret"] == "local-shop-secret"
    assert token_of(server.url).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"), [({}, "CLIENT.CONNECT.PIN.REQUIRED"), ({"pin": 5}, "CLIENT.CONNECT.PIN.STRING")]
)
def test_a_malformed_pin_is_answered_with_the_documented_codes(server, body, code):
    answer = connect_with(server, **body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


def test_an_unknown_scope_or_client_is_an_error_of_the_test(cloud):
    with pytest.raises(ValueError, match="no scope admin"):
        cloud.add_client(scopes=["read", "admin"])
    with pytest.raises(KeyError):
        cloud.issue_pin("nobody")
