"""Disconnecting a client: what is sent, what an answer proves, and that the token is worth nothing afterwards."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.api.doubles import TOKEN, VOUCHER, Script, document, reply, serving
from voucher_payment_gateway.api import Token
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def disconnect(cloud):
    return cloud.disconnect()


def read(cloud):
    return cloud.get_voucher("v-1")


def failing(ask):
    """``ask``, returning the error that it raises."""

    class Failing:
        def __init__(self, cloud):
            self.cloud = cloud

        def __await__(self):
            return self._awaited().__await__()

        async def _awaited(self):
            try:
                return await ask(self.cloud)
            except VoucherGatewayError as error:
                return error

    def asked(cloud):
        if cloud.__class__.__name__.startswith("Async"):
            return Failing(cloud)
        try:
            return ask(cloud)
        except VoucherGatewayError as error:
            return error

    return asked


class Store:
    """A token store in memory that holds one good token."""

    def __init__(self):
        now = datetime.now(UTC)
        self.held = Token("shared", now, now + timedelta(hours=1))

    def load(self, wait_seconds):
        return self.held

    def save(self, token):
        self.held = token

    def give_up(self):
        pass

    def forget(self, token):
        if self.held is not None and self.held.value == token.value:
            self.held = None


class Cloud(Script):
    """Answers ``disconnect`` once with ``reply`` and grants no token from then on."""

    def __init__(self, reply):
        super().__init__(self._answer, token=self._grant)
        self._reply, self.disconnected = reply, False

    def _answer(self, request):
        if request.url.path != "/v1/clients/disconnect":
            return VOUCHER
        self.disconnected = True
        return self._reply

    def _grant(self, request):
        return httpx.Response(401, json={}) if self.disconnected else self.grant(request)


@pytest.mark.parametrize("answer", [httpx.Response(204), httpx.Response(200, json={})])
def test_it_is_done_and_the_token_is_dropped_here_and_in_the_store(client, answer):
    store, cloud = Store(), Cloud(answer)
    run = client(cloud, token_store=store)
    error = run(read, disconnect, failing(read))
    assert isinstance(error, CredentialsError)
    assert store.held is None
    assert [request.url.path for request in cloud.requests] == [
        "/v1/vouchers/v-1",
        "/v1/clients/disconnect",
        "/oauth/token",
    ]
    sent = cloud.requests[1]
    assert (sent.method, sent.headers["authorization"], sent.content) == ("POST", "Bearer shared", b"")


@pytest.mark.parametrize("answer", [httpx.ReadTimeout("x"), httpx.Response(502), httpx.Response(202)])
def test_a_lost_answer_leaves_it_unknown_and_the_token_is_dropped_too(client, answer):
    with pytest.raises(OutcomeUnknownError):
        client(Cloud(answer))(disconnect)
    store = Store()
    error = client(Cloud(answer), token_store=store)(failing(disconnect), failing(lambda c: c.authenticate()))
    assert isinstance(error, CredentialsError)
    assert store.held is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(403, json=document(403)), CredentialsError),
        (httpx.Response(404, json=document(404)), RefusedError),
        (httpx.Response(503, json=document(503)), UnavailableError),
        (httpx.ConnectError("x"), UnavailableError),
    ],
)
def test_a_clear_no_keeps_the_token(client, answer, kind):
    store = Store()
    run = client(Cloud(answer), token_store=store)
    assert type(run(failing(disconnect))) is kind
    assert (store.held.value, run.script.token_requests) == ("shared", 0)


def test_over_a_socket_it_sends_the_token_and_no_body(client):
    seen = []

    def behave(connection, request):
        seen.append(request)
        connection.sendall(NO_CONTENT if b"/disconnect" in request else reply(VOUCHER))

    with serving(behave) as server:
        assert client(transport=None, base_url=server.base_url)(read, disconnect) is None
    head, _, body = seen[1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/clients/disconnect HTTP/1.1\r\n")
    assert f"authorization: bearer {TOKEN}".lower().encode() in head.lower()
    assert body == b""
