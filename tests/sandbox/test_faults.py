"""Faults over real sockets and in process: what the client gets, and whether the cloud has booked."""

import asyncio

import httpx
import pytest

from tests.sandbox.conftest import NO_TLS, Api
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID, LOCAL_CLIENT_SECRET, mock_transport

MOMENTS = {"before": 0, "after": 1, "late": 0}
SEEN = {
    "drop": httpx.RemoteProtocolError,
    "reset": httpx.ReadError,
    "hang": httpx.ReadTimeout,
    "truncated": httpx.RemoteProtocolError,
    "badgzip": httpx.DecodingError,
    "garbage": 200,
    "other": 200,
    "redirect": 307,
    "500": 500,
    "502": 502,
    "503": 503,
    "504": 504,
    "408": 408,
    "401": 401,
    "429": 429,
    "599": 599,
    "html502": 502,
    "html404": 404,
}


@pytest.fixture(params=["over a socket", "in process"])
def client(request, cloud, api):
    if request.param == "over a socket":
        api.timeout = httpx.Timeout(5, read=0.3)
        yield api
    else:
        with Api(
            transport=mock_transport(cloud), base_url="https://cloud.example/v1", headers=api.headers
        ) as inside:
            yield inside


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", SEEN)
def test_a_fault_is_seen_and_the_booking_is_made_before_never_or_late(client, cloud, voucher, moment, kind):
    reserved = client.reserve().json()
    cloud.faults.next(f"{moment}:{kind}", method="POST", path="*/charge")
    expected = SEEN[kind]
    if isinstance(expected, int):
        assert client.charge(reserved["id"]).status_code == expected
    else:
        with pytest.raises(expected):
            client.charge(reserved["id"])
    assert len(cloud.bookings(voucher.id)) == MOMENTS[moment]
    assert cloud.faults.land_late() == (moment == "late")
    assert len(cloud.bookings(voucher.id)) == (moment != "before")
    assert cloud.faults.log == [(f"{moment}:{kind}", "POST", f"/v1/reservations/{reserved['id']}/charge")]
    assert client.get(f"/vouchers/{voucher.id}").status_code == 200, "the fault is spent"
    cloud.ledger.check()


def test_the_answer_after_a_fault_is_well_formed_where_it_is_an_answer(client, cloud):
    cloud.faults.next("before:500")
    assert client.get("/vouchers").json()["status"] == 500
    cloud.faults.next("before:html502")
    page = client.get("/vouchers")
    assert "<h1>502 Bad Gateway</h1>" in page.text
    cloud.faults.next("before:redirect=https://elsewhere.example/")
    assert client.get("/vouchers").headers["Location"] == "https://elsewhere.example/"


@pytest.mark.parametrize(
    ("fault", "header"),
    [
        ("429", None),
        ("429=3", "3"),
        ("429=3600", "3600"),
        ("429=date", "Sat, 31 Jan 2026 13:00:00 GMT"),
        ("429=soon, perhaps", "soon, perhaps"),
    ],
)
def test_retry_after_comes_in_every_form(client, cloud, fault, header):
    cloud.faults.next(f"before:{fault}")
    assert client.get("/vouchers").headers.get("Retry-After") == header


@pytest.mark.parametrize("suffix", ["", "/none/charge"])
def test_another_orders_data_is_well_formed_and_not_ours(client, cloud, voucher, suffix):
    cloud.faults.next("before:other")
    answer = client.post(f"/reservations{suffix}", json={}).json()
    assert answer["amount"] == "13.37"
    assert answer["voucher_id"] != voucher.id


def test_a_huge_body_is_sent_to_its_end(client, cloud):
    cloud.faults.next("after:huge")
    with client.stream("GET", "/vouchers") as answer:
        assert sum(len(piece) for piece in answer.iter_raw(1024 * 1024)) == 64 * 1024 * 1024


def test_a_slow_answer_is_right(client, cloud):
    cloud.faults.next("after:slow=0.05")
    assert client.get("/vouchers").status_code == 200


def test_a_dripping_answer_outlives_any_read_timeout(client, cloud, voucher):
    cloud.faults.next("after:drip=0.001")
    client.timeout = httpx.Timeout(5, read=0.1)
    answer = client.get(f"/vouchers/{voucher.id}")
    assert answer.json()["id"] == voucher.id
    assert answer.elapsed.total_seconds() > 0.1


def test_a_slow_answer_holds_nobody_else_up(cloud, api, connect, voucher):
    cloud.faults.next("after:hang", path="*/charge")
    reserved = api.reserve().json()
    api.timeout = httpx.Timeout(5, read=0.3)
    with pytest.raises(httpx.ReadTimeout):
        api.charge(reserved["id"])
    assert connect().get(f"/vouchers/{voucher.id}").status_code == 200


def test_a_server_stops_while_an_answer_hangs(cloud, server, api):
    cloud.faults.next("after:hang")
    api.timeout = httpx.Timeout(5, read=0.05)
    with pytest.raises(httpx.ReadTimeout):
        api.get("/vouchers")


def test_a_late_request_lands_with_the_clock(client, cloud, voucher):
    reserved = client.reserve().json()
    cloud.faults.next("late:drop", path="*/charge", lands_after_seconds=600)
    with pytest.raises(httpx.RemoteProtocolError):
        client.charge(reserved["id"])
    cloud.clock.advance(599)
    assert (cloud.bookings(voucher.id), cloud.faults.late_count) == ([], 1)
    cloud.clock.advance(3600)
    [booking] = cloud.bookings(voucher.id)
    assert (booking.created_at - cloud.clock.now()).total_seconds() == -3599
    assert (cloud.faults.late_count, cloud.faults.land_late()) == (0, 0)


def test_a_late_request_that_comes_too_late_books_nothing(client, cloud, voucher):
    reserved = client.reserve().json()
    cloud.faults.next("late:504", path="*/charge", lands_after_seconds=1801)
    client.charge(reserved["id"])
    cloud.clock.advance(1801)
    assert cloud.bookings(voucher.id) == []
    assert cloud.refusals == ["closed"]


def test_faults_are_scripted_by_method_path_and_number(client, cloud, voucher):
    cloud.faults.next("before:503", method="GET", times=2)
    cloud.faults.next("before:504", path="*/charges", times=None)
    assert client.reserve().status_code == 200
    assert [client.get("/vouchers").status_code for _ in range(3)] == [503, 503, 200]
    assert [client.get(f"/vouchers/{voucher.id}/charges").status_code for _ in range(3)] == [504] * 3
    cloud.faults.clear()
    assert client.get(f"/vouchers/{voucher.id}/charges").status_code == 200


def test_token_requests_meet_only_faults_of_their_own(cloud, server):
    form = {
        "grant_type": "client_credentials",
        "client_id": LOCAL_CLIENT_ID,
        "client_secret": LOCAL_CLIENT_SECRET,
    }
    cloud.faults.next("before:503")
    assert httpx.post(f"{server.url}/oauth/token", data=form, verify=NO_TLS).status_code == 200
    cloud.faults.next("before:503", path="/oauth/token")
    assert httpx.post(f"{server.url}/oauth/token", data=form, verify=NO_TLS).status_code == 503


def test_a_refused_connection_is_seen_in_process(cloud):
    cloud.faults.next("before:refused")
    with httpx.Client(transport=mock_transport(cloud)) as inside, pytest.raises(httpx.ConnectError):
        inside.get("https://cloud.example/v1/vouchers")


def test_drawn_faults_belong_to_their_seed(cloud, api):
    def storm(seed):
        cloud.faults.draw(seed, rate=0.5)
        cloud.faults.log.clear()
        with Api(transport=mock_transport(cloud), base_url="https://cloud/v1", headers=api.headers) as inside:
            for _ in range(40):
                try:
                    inside.get("/vouchers")
                except httpx.HTTPError:
                    continue
        return [fault for fault, _, _ in cloud.faults.log]

    first = storm(1)
    assert 10 < len(first) < 30
    assert storm(1) == first
    assert storm(2) != first


@pytest.mark.parametrize(
    "fault",
    [
        "",
        "500",
        "during:500",
        "after:",
        "after:quake",
        "after:html",
        "after:drop500",
        "after:slow",
        "after:drip=x",
    ],
)
def test_a_fault_that_does_not_exist_is_an_error_of_the_test(cloud, fault):
    with pytest.raises(ValueError, match=r"fault|seconds"):
        cloud.faults.next(fault)


def test_a_fault_for_no_request_is_an_error_of_the_test(cloud):
    with pytest.raises(ValueError, match="times"):
        cloud.faults.next("after:500", times=0)


def test_an_async_client_meets_the_same_cloud(cloud, api, voucher):
    async def charge():
        headers = {"Authorization": api.headers["Authorization"]}
        async with httpx.AsyncClient(
            transport=mock_transport(cloud), base_url="https://cloud.example/v1", headers=headers
        ) as client:
            body = {"code": "GIFT-20", "amount": "5.00", "currency": "EUR"}
            reserved = (await client.post("/reservations", json=body)).json()
            cloud.faults.next("after:drip=0")
            path = f"/reservations/{reserved['id']}/charge"
            return (await client.post(path, json={"order_number": "A"})).json()

    assert asyncio.run(charge())["amount"] == "5.00"
    assert str(cloud.balance(voucher.id)) == "15.00"
