"""Every kind of bad request gets a 4xx with an error document, never a 5xx or a traceback."""

import json
import socket
import threading

import httpx
import pytest

from voucher_payment_gateway.sandbox import mock_transport, serve


def raw(server, data):
    """Send bytes over a new socket and return the answer, until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/vouchers/", 404),
        ("GET", "/charges/x", 404),
        ("GET", "/reservations/x", 404),
        ("DELETE", "/reservations/x", 404),
        ("PUT", "/vouchers", 405),
        ("HEAD", "/vouchers", 405),
        ("OPTIONS", "/vouchers", 405),
        ("BREW", "/vouchers", 405),
        ("GET", "/reservations", 405),
        ("GET", "/vouchers/%zz", 400),
        ("GET", "/vouchers/%ff", 400),
        ("GET", "/vouchers?page=%", 400),
        ("GET", "/vouchers/%00", 404),
        ("GET", "/vouchers/..%2f..", 404),
    ],
)
def test_a_bad_address_is_a_4xx_with_an_error_document(api, server, method, path, status):
    answer = api.send(api.build_request(method, httpx.URL(server.base_url + path)))
    assert answer.status_code == status
    if method != "HEAD":
        assert answer.json()["status"] == status
        assert set(answer.json()) == {"status", "code", "message"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'"text"', 400),
        (b"\xff\xfe", 400),
        (b'{"amount": NaN}', 400),
        (b'{"amount": ' + b"9" * 5000 + b"}", 422),
        (b'{"a": "\\ud800"}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 100_000, 400),
        (b"", 422),
        (b"{}", 422),
        (b'{"amount": {"a": 1}, "currency": ["EUR"], "code": 7, "pin": false}', 422),
    ],
)
@pytest.mark.parametrize("path", ["/reservations", "/vouchers", "/vouchers/recharge"])
def test_a_bad_body_is_a_4xx_with_an_error_document(api, path, body, status):
    answer = api.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_a_body_of_another_type_is_refused(api):
    assert api.post("/reservations", data={"amount": "5.00"}).status_code == 415


def test_a_body_in_chunks_is_read(api, voucher):
    pieces = (b'{"code": "GIFT-20", "amount": ', b'"5.00", "currency": "EUR"}')
    headers = {"Content-Type": "application/json"}
    assert api.post("/reservations", content=iter(pieces), headers=headers).status_code == 200
    assert (
        api.post("/reservations", content=iter([b"x" * 2 * 1024 * 1024]), headers=headers).status_code == 413
    )
    assert api.get(f"/vouchers/{voucher.id}").status_code == 200


def test_a_defect_of_the_cloud_is_a_500_that_tells_nothing(api, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("an inner secret")

    monkeypatch.setattr("voucher_payment_gateway.sandbox.vouchers.list_page", fail)
    answer = api.get("/vouchers")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "secret" not in answer.text
    assert "an inner secret" in caplog.text


def test_405_names_the_methods_that_are_allowed(api, cloud):
    assert api.put("/vouchers").headers["Allow"] == "POST, GET"
    assert api.get("/vouchers/recharge").headers["Allow"] == "POST"


def test_a_huge_body_is_refused(api, cloud):
    answer = api.post(
        "/vouchers", content=b" " * (2 * 1024 * 1024), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    in_process = httpx.Client(transport=mock_transport(cloud))
    assert in_process.post("http://cloud/v1/vouchers", content=b" " * (2 * 1024 * 1024)).status_code == 413


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/vouchers HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/vouchers HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /v1/vouchers HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /v1/vouchers HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
)
def test_malformed_http_is_a_4xx_with_an_error_document(server, data):
    head, _, body = raw(server, data).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 4")
    assert 400 <= json.loads(body)["status"] < 500


def test_a_body_shorter_than_announced_gets_no_answer_and_hurts_nobody(server, api):
    assert raw(server, b"POST /v1/vouchers HTTP/1.1\r\nContent-Length: 10\r\n\r\n{}") == b""
    assert api.get("/vouchers").status_code == 200


def test_a_connection_is_kept_for_many_requests(cloud, server, voucher):
    request = b"GET /v1/vouchers/%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % voucher.id.encode()
    assert raw(server, request * 20).count(b"HTTP/1.1 401") == 20


def test_the_servers_address_is_loopback_and_free_again_after_stopping(cloud):
    with serve(cloud) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert server.base_url == f"{server.url}/v1"
        kept = httpx.Client()
        assert kept.get(f"{server.base_url}/vouchers").status_code == 401
    with pytest.raises(httpx.TransportError):
        kept.get(f"{server.base_url}/vouchers")
    kept.close()
    with serve(cloud, port=server.port) as again:
        assert httpx.get(f"{again.base_url}/vouchers").status_code == 401


def test_requests_are_recorded_without_secrets_and_token_requests_can_be_told_apart(
    api, cloud, server, voucher
):
    api.reserve(pin="4711")
    api.get("/vouchers", params={"page": 1})
    httpx.post(f"{server.url}/oauth/token", data={"client_secret": "s3cret"})
    httpx.get(f"{server.url}/sandbox/state")
    assert cloud.requests == [
        ("POST", "/v1/reservations", cloud.clock.now()),
        ("GET", "/v1/vouchers", cloud.clock.now()),
        ("POST", "/oauth/token", cloud.clock.now()),
    ]
    cloud.forget_requests()
    assert cloud.requests == []


def test_many_clients_at_once_charge_a_voucher_to_zero_and_no_further(cloud, connect):
    cloud.behaviour = cloud.behaviour.but(second_charge="refuse")
    voucher = cloud.add_voucher(code="BUSY", amount="5.00")
    clients = [connect() for _ in range(8)]
    start = threading.Barrier(8)

    def spend(client):
        start.wait()
        for _ in range(20):
            reserved = client.reserve("BUSY", "0.10")
            if reserved.is_success:
                client.charge(reserved.json()["id"])

    threads = [threading.Thread(target=spend, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cloud.ledger.check()
    charged = sum(row.amount for row in cloud.bookings(voucher.id))
    assert charged + cloud.balance(voucher.id) == voucher.amount
    assert cloud.balance(voucher.id) >= 0


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_of_thousands_of_digits_is_a_wrong_field_and_not_a_broken_body(api, sign):
    """Python reads at most 4,300 digits."""
    body = f'{{"amount": "5.00", "currency": "EUR", "validity_value": {sign}{"9" * 5000}}}'
    answer = api.post("/vouchers", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["property"], error["message"]) == (
        "validity_value",
        "The validity_value must be an integer from 1 to 7000.",
    )


@pytest.mark.parametrize("amount", ["5", "5.0", "05,00", "123456789.00", "1e2"])
def test_an_amount_of_another_form_is_told_how_to_write_it(api, amount):
    answer = api.post("/vouchers", json={"amount": amount, "currency": "EUR"})
    [error] = answer.json()["errors"]
    is_number = "," not in amount
    assert error["message"] == (
        "The amount must be written like 5.00, in at most 9 characters."
        if is_number
        else "The amount must be a number."
    )
