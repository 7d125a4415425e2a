"""What the client relies on inside of httpx and httpcore. These alone say whether a request was written: where
one of them changes, a request that left could be taken for one that did not, and money be moved twice.
"""

import asyncio
import inspect
from contextlib import contextmanager

import httpcore
import httpx
import pytest

from tests.api.doubles import VOUCHER, reply, serving
from voucher_payment_gateway.api._http import exchanges, transport
from voucher_payment_gateway.api._http.deadline_sockets import DeadlineBackend, DeadlineStream
from voucher_payment_gateway.api._http.send_window import _WRITING, NotSentError, SendGuard, present_guard
from voucher_payment_gateway.api._steps import Deadline, Outgoing

VERSIONS = f"httpx {httpx.__version__}, httpcore {httpcore.__version__}"

POOL = {"ssl_context", "keepalive_expiry"}
PROXY = {"proxy_url", "proxy_auth", "proxy_ssl_context"}
PASSED = {
    httpcore.ConnectionPool.__init__: POOL | {"network_backend"},
    httpcore.ConnectionPool.create_connection: {"origin"},
    httpcore.HTTPProxy.__init__: POOL | PROXY | {"network_backend"},
    httpcore.HTTPProxy.create_connection: {"origin"},
    httpcore.AsyncConnectionPool.__init__: POOL,
    httpcore.AsyncConnectionPool.create_connection: {"origin"},
    httpcore.AsyncHTTPProxy.__init__: POOL | PROXY,
    httpcore.AsyncHTTPProxy.create_connection: {"origin"},
    httpcore.Request.__init__: {"method", "url", "content", "extensions"},
    httpcore.URL.__init__: {"scheme", "host", "port", "target"},
    httpcore.Origin.__init__: {"scheme", "host", "port"},
    httpcore.HTTPConnection.handle_request: {"request"},
    httpcore.AsyncHTTPConnection.handle_async_request: {"request"},
    httpx.create_ssl_context: {"trust_env"},
}


def test_all_that_the_client_passes_is_taken():
    refused = {
        function.__qualname__: sorted(names - inspect.signature(function).parameters.keys())
        for function, names in PASSED.items()
        if names - inspect.signature(function).parameters.keys()
    }
    assert refused == {}, f"{VERSIONS} take no more: {refused}. See api/_http/exchanges.py."


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(DeadlineStream, httpcore.NetworkStream), (DeadlineBackend, httpcore.SyncBackend)],
    ids=["stream", "backend"],
)
def test_the_sockets_with_a_deadline_take_what_httpcore_passes(ours, theirs):
    for name, method in vars(ours).items():
        if name.startswith("_"):
            continue
        takes, passed = (
            inspect.signature(each).parameters.keys() for each in (method, getattr(theirs, name))
        )
        assert list(takes) == list(passed), f"{VERSIONS}: {theirs.__name__}.{name} has changed its arguments."


def test_no_way_to_wait_on_a_socket_is_without_a_deadline():
    for ours, theirs, without in (
        (DeadlineStream, httpcore.NetworkStream, set()),
        (DeadlineBackend, httpcore.NetworkBackend, {"connect_unix_socket", "sleep"}),
    ):
        waits = {name for name in dir(theirs) if not name.startswith("_")}
        unbounded = waits - vars(ours).keys() - without
        assert unbounded == set(), (
            f"{VERSIONS}: {theirs.__name__} waits in {unbounded} too: bound it as the others."
        )


def of_threads(exchange):
    """Send one request by the exchange that ``exchange`` makes, as a sender does."""

    def send(url, guard):
        made, token = exchange(), present_guard.set(guard)
        try:
            return made.answer(Outgoing("POST", url, {}, b"{}"), guard).body
        finally:
            present_guard.reset(token)
            made.close()

    return send


def of_tasks(exchange):
    """The same in a task."""

    async def sent(url, guard):
        made = exchange()
        try:
            return (await made.answer(Outgoing("POST", url, {}, b"{}"), guard)).body
        finally:
            await made.aclose()

    return lambda url, guard: asyncio.run(sent(url, guard))


TRANSPORTS = {
    "ours for threads": of_threads(lambda: exchanges.PooledExchange(5.0, "", "")),
    "ours for tasks": of_tasks(lambda: exchanges.PooledAsyncExchange(5.0, "", "")),
    "a shop's HTTPTransport": of_threads(
        lambda: exchanges.GivenTransport(httpx.HTTPTransport(trust_env=False), 5.0)
    ),
    "a shop's AsyncHTTPTransport": of_tasks(
        lambda: exchanges.GivenAsyncTransport(httpx.AsyncHTTPTransport(trust_env=False), 5.0)
    ),
}
each_transport = pytest.mark.parametrize("send", TRANSPORTS.values(), ids=TRANSPORTS)


class Listener(SendGuard):
    """A guard that notes every event; too late from the moment of writing where ``too_late`` is set."""

    def __init__(self, *, too_late=False):
        super().__init__(Deadline.after(30), reports_writes=True)
        self.events, self._too_late = [], too_late

    def check(self):
        if self._too_late:
            raise NotSentError("deadline")
        super().check()

    def before_write(self, content):
        self.events.append(content)
        super().before_write(content)

    def trace(self, event, info):
        self.events.append(event)
        super().trace(event, info)


@contextmanager
def listening():
    received = []

    def behave(connection, request):
        received.append(request)
        connection.sendall(reply(VOUCHER))

    with serving(behave) as server:
        yield server, received


@each_transport
def test_the_write_of_a_request_is_reported(send):
    guard = Listener()
    with listening() as (server, received):
        assert b"v-1" in send(f"{server.base_url}/charge", guard)
    assert len(received) == 1
    assert guard.began, (
        f"{VERSIONS} report a write as none of {sorted(_WRITING)}, but as one of {guard.events}."
    )


@each_transport
def test_an_objection_at_the_moment_of_writing_keeps_the_request_back(send):
    guard = Listener(too_late=True)
    with listening() as (server, received):
        with pytest.raises(NotSentError):
            send(f"{server.base_url}/charge", guard)
        written = len(received)
    assert (written, guard.began) == (0, False), f"{VERSIONS} write before they report it."


@each_transport
def test_a_refused_connection_is_an_error_that_says_not_sent(send):
    with listening() as (server, _):
        pass
    with pytest.raises(transport._NEVER_SENT):
        send(f"{server.base_url}/charge", Listener())
