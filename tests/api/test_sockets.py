"""What only real sockets can show: deadlines, sizes, redirects, TLS, the window for sending, and forks."""

import asyncio
import gzip
import json
import os
import signal
import socket
import threading
import time
import tracemalloc
import zlib
from contextlib import contextmanager
from decimal import Decimal

import pytest

from tests.api.doubles import CHARGE, VOUCHER, reply, serving
from voucher_payment_gateway.api import VoucherCloud, send_before
from voucher_payment_gateway.api._http.transport import AsyncSender, SyncSender
from voucher_payment_gateway.api._steps import Deadline, Outgoing
from voucher_payment_gateway.exceptions import ContractError, OutcomeUnknownError, UnavailableError

ASKS = {
    "charge": lambda cloud: cloud.charge("r-1", "ORDER-1"),
    "read": lambda cloud: cloud.get_voucher("v-1"),
}
DEADLINE_SECONDS = 0.6
FAR_SECONDS = 10
"""Well before the other side here would come to its end, and well behind every deadline."""


def authenticate(cloud):
    return cloud.authenticate()


def drip(data, seconds=0.02):
    def behave(connection, request):
        for i in range(len(data)):
            connection.sendall(data[i : i + 1])
            time.sleep(seconds)

    return behave


def silent(connection, request):
    connection.recv(1)  # until the client leaves


SLOW = {
    "headers that drip": drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000),
    "a body that drips": drip(reply(CHARGE, headers="X: y\r\n") + b" " * 1000),
    "a long body that drips": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b" " * 5000, 0.01),
    "no answer": silent,
}


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("slow", SLOW)
def test_a_call_ends_at_its_deadline_however_slow_the_other_side(client, ask, slow):
    with serving(SLOW[slow]) as server:
        run = client(
            transport=None, base_url=server.base_url, timeout_seconds=0.5, deadline_seconds=DEADLINE_SECONDS
        )
        begun = time.monotonic()
        with pytest.raises(OutcomeUnknownError if ask == "charge" else UnavailableError):
            run(authenticate, ASKS[ask])
        assert time.monotonic() - begun < FAR_SECONDS
        assert server.seen["/v1/reservations/r-1/charge"] <= 1


def test_the_token_request_obeys_the_deadline(client):
    with serving(silent) as server:
        run = client(
            transport=None,
            base_url=server.base_url,
            token_url=server.base_url + "/slow",
            deadline_seconds=0.3,
        )
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            run(ASKS["charge"])
        assert time.monotonic() - begun < FAR_SECONDS


@contextmanager
def little_memory():
    """Fail where more than 16 MiB are in use at any moment of the block."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


def huge(connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
    for _ in range(64):
        connection.sendall(b" " * 1048576)


BOMB = reply(zlib.compress(b" " * 67108864), headers="Content-Encoding: deflate\r\n")


def bomb(connection, request):
    connection.sendall(BOMB)


@pytest.mark.parametrize("behave", [huge, bomb])
@pytest.mark.parametrize("ask", ASKS)
def test_a_body_is_read_only_up_to_a_bound(client, ask, behave):
    with serving(behave) as server:
        run = client(transport=None, base_url=server.base_url, deadline_seconds=60)
        with little_memory(), pytest.raises(OutcomeUnknownError if ask == "charge" else ContractError):
            run(ASKS[ask])


BEHIND = {
    "much": gzip.compress(json.dumps(CHARGE).encode()) + b" " * 67108864,
    "little": gzip.compress(json.dumps(CHARGE).encode()) + b" ",
    "another stream": gzip.compress(json.dumps(CHARGE).encode()) * 2,
}
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"


@pytest.mark.parametrize("behind", BEHIND)
def test_bytes_behind_the_end_of_a_compressed_body_make_it_no_answer(client, behind):
    content = reply(BEHIND[behind], headers="Content-Encoding: gzip\r\n")
    with serving(lambda connection, request: connection.sendall(content)) as server:
        run = client(transport=None, base_url=server.base_url)
        with little_memory(), pytest.raises(OutcomeUnknownError):
            run(ASKS["charge"])


def test_a_compressed_body_that_unpacks_to_nothing_is_read_only_up_to_a_bound(client):
    ended = []

    def endless(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n\x78\x9c")
        for _ in range(1000):
            connection.sendall(EMPTY_BLOCK * 20_000)
        ended.append(1)

    with serving(endless) as server, pytest.raises(ContractError):
        client(transport=None, base_url=server.base_url, deadline_seconds=60)(ASKS["read"])
    assert ended == []


def test_a_compressed_body_is_never_unpacked_beyond_the_bound(client):
    with serving(bomb) as server:
        run = client(transport=None, base_url=server.base_url)
        with little_memory(), pytest.raises(OutcomeUnknownError):
            run(ASKS["charge"])


@pytest.mark.parametrize(
    ("headers", "body", "understood"),
    [
        ("Content-Encoding: gzip\r\n", "gzip", True),
        ("Content-Encoding: deflate\r\n", "deflate", True),
        ("Content-Encoding: gzip\r\n", "broken", False),
        ("Content-Encoding: br\r\n", "plain", False),
        ("Content-Encoding: identity\r\n", "plain", True),
    ],
)
def test_a_compressed_answer_is_understood_or_proves_nothing(client, headers, body, understood):
    plain = json.dumps(CHARGE).encode()
    content = {
        "gzip": gzip.compress(plain),
        "deflate": zlib.compress(plain),
        "broken": gzip.compress(plain)[:-9],
        "plain": plain,
    }[body]
    with serving(lambda connection, request: connection.sendall(reply(content, headers=headers))) as server:
        run = client(transport=None, base_url=server.base_url)
        if understood:
            assert run(ASKS["charge"]).id == "c-1"
        else:
            with pytest.raises(OutcomeUnknownError):
                run(ASKS["charge"])


def closing(data):
    def behave(connection, request):
        connection.sendall(data)
        connection.shutdown(2)

    return behave


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200",
        reply(CHARGE)[:-5],
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_an_answer_that_breaks_off_leaves_a_charge_unknown(client, data):
    with serving(closing(data)) as server:
        with pytest.raises(OutcomeUnknownError):
            client(transport=None, base_url=server.base_url)(ASKS["charge"])
        assert server.seen["/v1/reservations/r-1/charge"] == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("ask", ASKS)
def test_a_redirect_is_never_followed(client, ask, status):
    def away(connection, request):
        connection.sendall(reply({}, status, f"Location: {elsewhere.base_url}/stolen\r\n"))

    with serving(charged) as elsewhere, serving(away) as server:
        with pytest.raises(OutcomeUnknownError if ask == "charge" else ContractError):
            client(transport=None, base_url=server.base_url)(ASKS[ask])
        assert elsewhere.connections == 0


@pytest.mark.parametrize("ask", ASKS)
def test_a_refused_connection_means_not_sent(client, ask):
    with serving(silent) as server:
        base_url = server.base_url
    with pytest.raises(UnavailableError):
        client(transport=None, base_url=base_url, deadline_seconds=0.3)(ASKS[ask])


def test_a_look_up_of_a_name_that_hangs_ends_with_the_call(monkeypatch):
    let_go, ended, looked_up = threading.Event(), [], []

    def hang(*arguments, **options):
        looked_up.append(arguments[0])
        let_go.wait(60)
        ended.append(1)
        return []

    with VoucherCloud(
        client_id="a", client_secret="b", base_url="https://voucher.example/v1", deadline_seconds=0.3
    ) as cloud:
        monkeypatch.setattr(socket, "getaddrinfo", hang)
        try:
            for _ in range(3):
                with pytest.raises(UnavailableError):
                    cloud.charge("r-1", "ORDER-1")
            assert (looked_up, ended) == (["voucher.example"], [])
        finally:
            let_go.set()


def test_a_name_is_looked_up(client):
    with serving(lambda connection, request: connection.sendall(reply(VOUCHER))) as server:
        by_name = server.base_url.replace("127.0.0.1", "localhost")
        assert client(transport=None, base_url=by_name)(ASKS["read"]).id == "v-1"


def test_a_name_that_nobody_knows_means_not_sent(client):
    with pytest.raises(UnavailableError):
        client(transport=None, base_url="https://no-such-host.invalid/v1", deadline_seconds=2.0)(
            ASKS["charge"]
        )


def test_a_name_that_no_resolver_takes_means_not_sent():
    request = Outgoing("POST", f"https://{'a' * 64}.example/v1", {}, b"")
    sender, async_sender = SyncSender(None, 2.0, ""), AsyncSender(None, 2.0, "")
    assert sender.send(request, Deadline.after(2.0)).sent is False
    assert asyncio.run(async_sender.send(request, Deadline.after(2.0))).sent is False


def test_a_window_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match=r"^monotonic_instant:"), send_before(float("nan")):
        pass


def test_a_connection_is_reused(client):
    with serving(lambda connection, request: connection.sendall(reply(VOUCHER))) as server:
        client(transport=None, base_url=server.base_url)(*[ASKS["read"]] * 5)
        assert server.connections == 1


def test_proxies_of_the_environment_are_ignored(client, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(lambda connection, request: connection.sendall(reply(VOUCHER))) as server:
        assert client(transport=None, base_url=server.base_url)(ASKS["read"]).id == "v-1"


def test_nothing_is_sent_after_the_window(client):
    with serving(lambda connection, request: connection.sendall(reply(CHARGE))) as server:
        for asks in ([ASKS["charge"]], [authenticate, ASKS["charge"]], [ASKS["read"]]):
            run = client(transport=None, base_url=server.base_url)
            before = server.seen.total()
            *warm, last = asks
            with pytest.raises(UnavailableError) as caught:
                run(*warm, inside_window(-1, last))
            assert caught.value.code == "send_window_passed"
            assert server.seen.total() == before + len(warm)


def inside_window(seconds, ask):
    def asked(cloud):
        if hasattr(cloud, "aclose"):
            return awaited(cloud)
        with send_before(time.monotonic() + seconds):
            return ask(cloud)

    async def awaited(cloud):
        with send_before(time.monotonic() + seconds):
            return await ask(cloud)

    return asked


def test_a_window_that_is_open_lets_the_call_through(client):
    with serving(lambda connection, request: connection.sendall(reply(CHARGE))) as server:
        run = client(transport=None, base_url=server.base_url)
        assert run(inside_window(20, ASKS["charge"])).id == "c-1"


def test_a_window_ends_with_its_block_and_only_grows_narrower():
    with (
        serving(lambda connection, request: connection.sendall(reply(VOUCHER))) as server,
        VoucherCloud(client_id="a", client_secret="b", base_url=server.base_url) as cloud,
    ):
        with (
            send_before(time.monotonic() - 1),
            send_before(time.monotonic() + 100),
            pytest.raises(UnavailableError),
        ):
            cloud.get_voucher("v-1")
        assert cloud.get_voucher("v-1").id == "v-1"


def charged(connection, request):
    connection.sendall(reply(CHARGE))


def test_a_ca_file_of_ones_own_is_trusted(client, authority):
    ca_file, context = authority
    with serving(charged, context=context) as server:
        assert client(transport=None, base_url=server.base_url, ca_file=ca_file)(ASKS["charge"]).id == "c-1"


def test_an_unknown_certificate_is_never_accepted(client, authority):
    with serving(charged, context=authority[1]) as server:
        with pytest.raises(UnavailableError):
            client(transport=None, base_url=server.base_url)(ASKS["charge"])
        assert server.seen.total() == 0


def test_the_window_may_pass_while_the_connection_is_made(client, authority):
    ca_file, context = authority
    with serving(charged, context=context, before_tls=lambda: time.sleep(0.3)) as server:
        run = client(transport=None, base_url=server.base_url, ca_file=ca_file)
        with pytest.raises(UnavailableError) as caught:
            run(inside_window(0.1, ASKS["charge"]))
        assert caught.value.code == "send_window_passed"
        assert server.seen.total() == 0


def test_a_deadline_that_passes_while_the_connection_is_made_means_not_sent(client, authority):
    ca_file, context = authority
    client_left = threading.Event()
    with serving(charged, context=context, before_tls=lambda: client_left.wait(2 * FAR_SECONDS)) as server:
        run = client(transport=None, base_url=server.base_url, ca_file=ca_file, deadline_seconds=0.2)
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            run(ASKS["charge"])
        assert time.monotonic() - begun < FAR_SECONDS
        client_left.set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_never_shares_a_connection():
    def behave(connection, request):
        asked_for = request.split(b" ", 2)[1].decode().rsplit("/", 1)[1]
        connection.sendall(reply({**VOUCHER, "id": asked_for}))

    with serving(behave) as server:
        with VoucherCloud(client_id="a", client_secret="b", base_url=server.base_url) as cloud:
            cloud.get_voucher("parent")
            children = []
            for child in range(4):
                pid = os.fork()
                if pid == 0:
                    status = 1
                    try:
                        signal.alarm(20)
                        for i in range(50):
                            assert cloud.get_voucher(f"{child}-{i}").id == f"{child}-{i}"
                        status = 0
                    finally:
                        os._exit(status)
                children.append(pid)
            for i in range(50):
                assert cloud.get_voucher(f"p-{i}").id == f"p-{i}"
            assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0, 0]
        assert server.connections == 5
        assert server.seen["/oauth/token"] == 1


def test_a_closed_client_sends_nothing(client):
    with serving(charged) as server:
        run = client(transport=None, base_url=server.base_url)
        with pytest.raises(UnavailableError) as caught:
            run(lambda cloud: cloud.aclose() if hasattr(cloud, "aclose") else cloud.close(), ASKS["charge"])
        assert caught.value.code == "client_closed"
        assert server.seen.total() == 0


def test_amounts_are_exact_from_end_to_end(client):
    answer = {"id": "r", "voucher_id": "v", "amount": "99999.99"}
    with serving(lambda connection, request: connection.sendall(reply(answer))) as server:
        run = client(transport=None, base_url=server.base_url)
        held = run(lambda cloud: cloud.reserve(code="x", amount=Decimal("99999.99"), currency="EUR"))
        assert held.amount == Decimal("99999.99")
