"""How many connections a client opens, when it closes them, and what one call costs."""

import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpcore
import pytest

from tests.api.doubles import CHARGE, Server, reply, serving
from voucher_payment_gateway.api import AsyncVoucherCloud, VoucherCloud
from voucher_payment_gateway.api._http import pool
from voucher_payment_gateway.api._http.addresses import address
from voucher_payment_gateway.api._http.deadline_sockets import DeadlineStream
from voucher_payment_gateway.api._http.transport import AsyncSender, SyncSender
from voucher_payment_gateway.api._steps import Deadline, Failure, Outgoing

ROOT = Path(__file__).parent.parent.parent
THREADS, ROUNDS = 64, 5
CALLS_OF_A_CHARGE = 483
FAR_SECONDS = 30


def charged(connection, request):
    connection.sendall(reply(CHARGE))


def charge(cloud):
    return cloud.charge("r-1", "ORDER-1")


def client_of(server, **settings):
    return VoucherCloud(client_id="a", client_secret="b", base_url=server.base_url, **settings)


def test_many_threads_keep_the_connections_that_they_opened(authority, monkeypatch):
    """All threads wait for their answers at the same moment, in every round."""
    monkeypatch.setattr(pool, "IDLE_TIMEOUT_SECONDS", 3600.0)  # however slow this machine is
    ca_file, context = authority
    all_wait = threading.Barrier(THREADS)

    def together(connection, request):
        all_wait.wait(FAR_SECONDS)
        charged(connection, request)

    with (
        serving(together, context=context) as server,
        client_of(server, ca_file=ca_file, timeout_seconds=60, deadline_seconds=60) as cloud,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        cloud.authenticate()
        opened = []
        for _ in range(ROUNDS):
            assert [booked.id for booked in threads.map(charge, [cloud] * THREADS)] == ["c-1"] * THREADS
            opened.append(server.connections)
    assert opened == [THREADS] * ROUNDS


def test_many_tasks_keep_the_connections_that_they_opened(authority, monkeypatch):
    monkeypatch.setattr(pool, "IDLE_TIMEOUT_SECONDS", 3600.0)
    ca_file, context = authority
    all_wait = threading.Barrier(THREADS)

    def together(connection, request):
        all_wait.wait(FAR_SECONDS)
        charged(connection, request)

    async def rounds(server):
        settings = {"ca_file": ca_file, "timeout_seconds": 60, "deadline_seconds": 60}
        async with AsyncVoucherCloud(
            client_id="a", client_secret="b", base_url=server.base_url, **settings
        ) as cloud:
            await cloud.authenticate()
            for _ in range(ROUNDS):
                booked = await asyncio.gather(*(charge(cloud) for _ in range(THREADS)))
                assert [each.id for each in booked] == ["c-1"] * THREADS
                yield server.connections

    async def opened(server):
        return [connections async for connections in rounds(server)]

    with serving(together, context=context) as server:
        assert asyncio.run(opened(server)) == [THREADS] * ROUNDS


def test_the_connection_of_a_cancelled_call_is_not_used_again():
    arrived, let_go = threading.Event(), threading.Event()

    def hold_the_first(connection, request):
        if not arrived.is_set():
            arrived.set()
            let_go.wait(FAR_SECONDS)
            connection.sendall(reply({**CHARGE, "id": "c-late"}))
        else:
            charged(connection, request)

    async def cancel_and_charge(server):
        async with AsyncVoucherCloud(client_id="a", client_secret="b", base_url=server.base_url) as cloud:
            first = asyncio.create_task(charge(cloud))
            assert await asyncio.to_thread(arrived.wait, FAR_SECONDS)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            let_go.set()
            return await charge(cloud)

    with serving(hold_the_first) as server:
        assert asyncio.run(cancel_and_charge(server)).id == "c-1"
        assert server.connections == 2


def test_a_connection_that_its_server_closed_is_not_used(client):
    closed = threading.Event()

    def last_answer(connection, request):
        charged(connection, request)
        connection.shutdown(2)
        closed.set()

    with serving(last_answer) as server:
        run = client(transport=None, base_url=server.base_url)
        assert run(charge, after(closed)).id == "c-1"
        assert server.seen["/v1/reservations/r-1/charge"] == 2


def test_what_a_server_has_sent_too_much_is_no_answer_to_the_next_request(client):
    def twice(connection, request):
        connection.sendall(reply(CHARGE) + reply({**CHARGE, "id": "c-stale"}))

    with serving(twice) as server:
        run = client(transport=None, base_url=server.base_url)
        assert run(charge, charge).id == "c-1"
        assert server.seen["/v1/reservations/r-1/charge"] == 2


def after(event):
    def ask(cloud):
        assert event.wait(FAR_SECONDS)
        return charge(cloud)

    return ask


def test_a_connection_that_was_idle_for_too_long_is_not_used(client, monkeypatch):
    monkeypatch.setattr(pool, "IDLE_TIMEOUT_SECONDS", -1.0)
    with serving(charged) as server:
        client(transport=None, base_url=server.base_url)(*[charge] * 3)
        assert server.connections == 4  # the first one was for the token


@pytest.fixture
def one_place(monkeypatch):
    """A pool of one place, and a server that answers only when it is let go: two events, and how it behaves."""
    monkeypatch.setattr(pool, "MAX_CONNECTIONS", 1)
    arrived, let_go = threading.Event(), threading.Event()

    def hold(connection, request):
        arrived.set()
        let_go.wait(FAR_SECONDS)
        charged(connection, request)

    return arrived, let_go, hold


def test_without_a_free_place_nothing_of_a_task_is_sent(one_place):
    arrived, let_go, hold = one_place

    async def two_at_once(server):
        sender = AsyncSender(None, FAR_SECONDS, "")
        request = Outgoing("POST", f"{server.base_url}/charge", {}, b"{}")
        first = asyncio.create_task(sender.send(request, Deadline.after(FAR_SECONDS)))
        try:
            assert await asyncio.to_thread(arrived.wait, FAR_SECONDS)
            second = await sender.send(request, Deadline.after(0.1))
        finally:
            let_go.set()
        third = (await first).status, (await sender.send(request, Deadline.after(FAR_SECONDS))).status
        await sender.aclose()
        return second.sent, *third

    with serving(hold) as server:
        assert asyncio.run(two_at_once(server)) == (False, 200, 200)
        assert (server.seen["/v1/charge"], server.connections) == (2, 1)


def test_without_a_free_place_nothing_is_sent(one_place):
    arrived, let_go, hold = one_place
    with serving(hold) as server, ThreadPoolExecutor(1) as threads:
        sender = SyncSender(None, FAR_SECONDS, "")
        request = Outgoing("POST", f"{server.base_url}/charge", {}, b"{}")
        first = threads.submit(sender.send, request, Deadline.after(FAR_SECONDS))
        try:
            assert arrived.wait(FAR_SECONDS)
            assert sender.send(request, Deadline.after(0.1)) == Failure(sent=False, reason="PoolTimeout")
        finally:
            let_go.set()
        assert first.result().status == 200
        assert sender.send(request, Deadline.after(FAR_SECONDS)).status == 200
        sender.close()
        assert (server.seen["/v1/charge"], server.connections) == (2, 1)


class Wire(httpcore.NetworkStream):
    """Keeps what is written to a socket, and answers."""

    def __init__(self):
        self.written = []

    def write(self, buffer, timeout=None):
        self.written.append(buffer)

    def read(self, max_bytes, timeout=None):
        return reply(CHARGE)

    def close(self):
        pass

    def get_extra_info(self, info):
        return None


def test_head_and_body_of_a_request_leave_together():
    wire = Wire()
    origin = httpcore.Origin(b"https", b"cloud.example", 443)
    request = httpcore.Request(
        "POST",
        "https://cloud.example/v1",
        headers={"Host": "cloud.example", "Content-Length": "2"},
        content=b"{}",
    )
    with httpcore.HTTP11Connection(origin, DeadlineStream(wire)) as connection:
        assert connection.handle_request(request).status == 200
    assert [written.endswith(b"\r\n\r\n{}") for written in wire.written] == [True]


def test_a_connection_that_nobody_needs_is_closed(monkeypatch):
    """One was used beside another one for a while; the next answer ends it."""
    both_wait = threading.Barrier(2)
    left = threading.Semaphore(0)

    def together(connection, request):
        if b"/together" in request:
            both_wait.wait(FAR_SECONDS)
        charged(connection, request)

    class Listening(Server):
        def _converse(self, connection):
            super()._converse(connection)
            left.release()

    server = Listening(together)
    try:
        sender = SyncSender(None, FAR_SECONDS, "")
        request = Outgoing("POST", f"{server.base_url}/together", {}, b"{}")
        with ThreadPoolExecutor(2) as threads:
            for sent in [threads.submit(sender.send, request, Deadline.after(FAR_SECONDS)) for _ in "12"]:
                assert sent.result().status == 200
        alone = Outgoing("POST", f"{server.base_url}/alone", {}, b"{}")
        monkeypatch.setattr(pool, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 3600))
        assert sender.send(alone, Deadline.after(FAR_SECONDS)).status == 200
        assert left.acquire(timeout=FAR_SECONDS)
        sender.close()
        assert left.acquire(timeout=FAR_SECONDS)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Cloud.Example/v1", b"cloud.example"),
        ("https://cloud.example:443/v1", b"cloud.example"),
        ("http://127.0.0.1:8900/v1", b"127.0.0.1:8900"),
        ("http://[::1]/v1", b"[::1]"),
        ("http://[::1]:8900/v1?a=b", b"[::1]:8900"),
    ],
)
def test_a_host_is_written_as_the_standard_wants_it(url, host):
    assert address(url)[0].header == host


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://cloud.example", b"/"),
        ("https://cloud.example?a=b", b"/?a=b"),
        ("https://cloud.example/v1/a%2Fb?c=d#e", b"/v1/a%2Fb?c=d"),
    ],
)
def test_a_target_is_the_path_with_its_query(url, target):
    assert address(url)[1] == target


@pytest.mark.parametrize("url", ["", "cloud.example/v1", "ftp://cloud.example", "https://", "https://a:b/v1"])
def test_what_is_no_address_is_not_sent(url):
    sender = SyncSender(None, 1.0, "")
    assert sender.send(Outgoing("POST", url, {}, b""), Deadline.after(1.0)).sent is False


def test_a_charge_calls_few_functions():
    """Of these, two in three are of httpcore and h11."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.api.call_cost"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert int(ran.stdout) <= CALLS_OF_A_CHARGE
