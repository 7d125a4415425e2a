"""The token: one request for many callers, renewed ahead of its end, forgotten when rejected."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from tests.api.doubles import CHARGE, SECRET, VOUCHER, Script, document
from voucher_payment_gateway.api import AsyncVoucherCloud, Token, VoucherCloud
from voucher_payment_gateway.api._auth import keeper
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    ThrottledError,
    UnavailableError,
)


def read(cloud):
    return cloud.get_voucher("v-1")


def charge(cloud):
    return cloud.charge("r-1", "ORDER-1")


def bearer(request):
    return request.headers["authorization"].removeprefix("Bearer ")


def token(value, *, age_seconds=0.0, lifetime_seconds=3600.0):
    issued_at = datetime.now(UTC) - timedelta(seconds=age_seconds)
    return Token(value, issued_at, issued_at + timedelta(seconds=lifetime_seconds))


class Store:
    """A shared store in memory."""

    def __init__(self, held=None):
        self.held, self.forgotten = held, []

    def load(self, wait_seconds):
        return self.held

    def save(self, token):
        self.held = token

    def give_up(self):
        pass

    def forget(self, token):
        self.forgotten.append(token.value)
        if self.held is not None and self.held.value == token.value:
            self.held = None


class BrokenStore:
    def load(self, wait_seconds):
        raise ConnectionError("cache down")

    save = forget = lambda self, token: 1 / 0

    def give_up(self):
        raise ConnectionError("cache down")


def test_the_token_is_asked_for_by_form_at_the_root_of_the_host(client):
    run = client(VOUCHER, client_type="my_shop")
    run(read)
    request = run.script.requests[0]
    assert (request.method, str(request.url)) == ("POST", "https://vouchers.api.jtl-software.com/oauth/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client-1"],
        "client_secret": [SECRET],
        "client_type": ["my_shop"],
    }
    assert bearer(run.script.last).startswith("CANARY-TOKEN")


def test_the_token_url_can_be_given(client):
    run = client(VOUCHER, token_url="https://login.example.org/token")
    run.script.answer = lambda request: (
        run.script.grant(request)
        if request.url.host == "login.example.org"
        else httpx.Response(200, json=VOUCHER)
    )
    run(read)
    assert [request.url.host for request in run.script.requests] == [
        "login.example.org",
        "vouchers.api.jtl-software.com",
    ]


def test_one_token_serves_many_calls(client):
    run = client(VOUCHER)
    run(read, read, lambda cloud: cloud.authenticate(), read)
    assert run.script.token_requests == 1


def test_authenticate_asks_once_and_then_costs_nothing(client):
    run = client(VOUCHER)
    run(*[lambda cloud: cloud.authenticate()] * 5)
    assert (run.script.token_requests, len(run.script.calls)) == (1, 0)


@pytest.mark.parametrize("expires", [None, "3600", True, [], float("1e300"), 10**400, -5])
def test_an_odd_or_missing_lifetime_is_tolerated(client, expires):
    answer = {"access_token": "t", **({} if expires is None else {"expires_in": expires})}
    run = client(Script(VOUCHER, token=answer))
    assert run(read).id == "v-1"


def test_a_token_that_runs_out_is_replaced(client):
    def grant(request):
        run.script.granted += 1
        return {"access_token": f"t{run.script.granted}", "expires_in": 0.3}

    run = client(Script(VOUCHER, token=grant))
    run(read, lambda cloud: time.sleep(0.35), read)
    assert [bearer(call) for call in run.script.calls] == ["t1", "t2"]


def test_a_rejected_token_is_replaced_once_and_the_call_repeated(client):
    def answer(request):
        if bearer(request).endswith("-1"):
            return httpx.Response(401, json=document(401))
        return httpx.Response(200, json=CHARGE)

    run = client(answer)
    assert run(charge).id == "c-1"
    assert (run.script.token_requests, len(run.script.calls)) == (2, 2)


@pytest.mark.parametrize("ask", [read, charge])
def test_a_token_that_is_always_rejected_ends_after_one_repeat(client, ask):
    run = client(httpx.Response(401, json=document(401)))
    with pytest.raises(CredentialsError) as caught:
        run(ask)
    assert (caught.value.http_status, caught.value.money_moved) == (401, "no")
    assert (run.script.token_requests, len(run.script.calls)) == (2, 2)


def test_a_read_is_repeated_after_any_401(client):
    run = client(
        lambda request: (
            httpx.Response(401, html="<html>")
            if bearer(request).endswith("-1")
            else httpx.Response(200, json=VOUCHER)
        )
    )
    assert run(read).id == "v-1"


def test_a_401_forgets_only_the_token_that_was_rejected():
    slow = threading.Event()

    def answer(request):
        if request.url.path.endswith("/slow") and bearer(request).endswith("-1"):
            slow.wait(5)
            return httpx.Response(401, json=document(401))
        rejected = bearer(request).endswith("-1")
        identity = request.url.path.rsplit("/", 1)[1]
        return (
            httpx.Response(401, json=document(401))
            if rejected
            else httpx.Response(200, json={**VOUCHER, "id": identity})
        )

    script = Script(answer)
    with (
        VoucherCloud(client_id="a", client_secret="b", transport=httpx.MockTransport(script)) as cloud,
        ThreadPoolExecutor(1) as pool,
    ):
        cloud.authenticate()
        late = pool.submit(cloud.get_voucher, "slow")
        while len(script.calls) < 1:
            time.sleep(0.001)
        cloud.get_voucher("fast")
        slow.set()
        assert late.result().id == "slow"
    assert script.granted == 2


def test_a_thundering_herd_of_threads_makes_one_token_request():
    def grant(request):
        time.sleep(0.05)
        return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})

    script = Script(VOUCHER, token=grant)
    start = threading.Barrier(64)
    with (
        VoucherCloud(client_id="a", client_secret="b", transport=httpx.MockTransport(script)) as cloud,
        ThreadPoolExecutor(64) as pool,
    ):

        def one(_):
            start.wait()
            return cloud.get_voucher("v-1").id

        assert set(pool.map(one, range(64))) == {"v-1"}
    assert (script.token_requests, len(script.calls)) == (1, 64)


def test_a_thundering_herd_of_tasks_makes_one_token_request():
    async def handler(request):
        if request.url.path == "/oauth/token":
            await asyncio.sleep(0.02)
        return script(request)

    script = Script(VOUCHER)

    async def herd():
        transport = httpx.MockTransport(handler)
        async with AsyncVoucherCloud(client_id="a", client_secret="b", transport=transport) as cloud:
            return await asyncio.gather(*[cloud.get_voucher("v-1") for _ in range(64)])

    assert len(asyncio.run(herd())) == 64
    assert script.token_requests == 1


def test_a_herd_that_waited_for_a_failing_token_request_shares_its_end():
    def grant(request):
        time.sleep(0.5)
        return httpx.Response(400, json={"error": "invalid_client"})

    script = Script(VOUCHER, token=grant)
    start = threading.Barrier(16)
    with (
        VoucherCloud(client_id="a", client_secret="b", transport=httpx.MockTransport(script)) as cloud,
        ThreadPoolExecutor(16) as pool,
    ):

        def one(_):
            start.wait()
            try:
                cloud.get_voucher("v-1")
            except CredentialsError as error:
                return error

        errors = list(pool.map(one, range(16)))
    assert [type(error) for error in errors] == [CredentialsError] * 16
    assert len({id(error) for error in errors}) == 16
    assert script.token_requests <= 2


def test_a_task_that_is_cancelled_while_it_fetches_hands_over(client):
    async def handler(request):
        if request.url.path == "/oauth/token" and not script.requests:
            script.requests.append(request)
            await asyncio.sleep(60)
        return script(request)

    script = Script(VOUCHER)

    async def run():
        transport = httpx.MockTransport(handler)
        async with AsyncVoucherCloud(client_id="a", client_secret="b", transport=transport) as cloud:
            first = asyncio.create_task(cloud.get_voucher("v-1"))
            await asyncio.sleep(0.01)
            second = asyncio.create_task(cloud.get_voucher("v-1"))
            await asyncio.sleep(0.01)
            first.cancel()
            return await asyncio.wait_for(second, 30)

    assert asyncio.run(run()).id == "v-1"


def test_one_renews_ahead_of_the_end_while_the_others_use_what_holds():
    fetching, release = threading.Event(), threading.Event()

    def grant(request):
        fetching.set()
        release.wait(5)
        return httpx.Response(200, json={"access_token": "new", "expires_in": 3600})

    script = Script(VOUCHER, token=grant)
    store = Store(token("old", age_seconds=3500))
    with (
        VoucherCloud(
            client_id="a", client_secret="b", transport=httpx.MockTransport(script), token_store=store
        ) as cloud,
        ThreadPoolExecutor(1) as pool,
    ):
        cloud.authenticate()
        assert script.requests == []
        holder = pool.submit(cloud.get_voucher, "v-1")
        assert fetching.wait(5)
        cloud.get_voucher("v-1")
        release.set()
        holder.result()
        cloud.get_voucher("v-1")
    assert [bearer(call) for call in script.calls] == ["old", "new", "new"]
    assert script.token_requests == 1
    assert store.held.value == "new"


@pytest.mark.parametrize("trouble", [httpx.Response(500), httpx.ConnectError("x"), httpx.Response(400)])
def test_a_renewal_that_fails_is_left_for_later_while_the_token_holds(client, trouble):
    run = client(Script(VOUCHER, token=trouble), token_store=Store(token("old", age_seconds=3500)))
    run(read, read, read)
    assert [bearer(call) for call in run.script.calls] == ["old"] * 3
    assert run.script.token_requests == 1


@pytest.mark.parametrize("kind", [httpx.Response(500), httpx.Response(400)])
def test_a_token_that_is_rejected_while_its_renewal_fails_is_not_used_again(kind):
    renewing, release = threading.Event(), threading.Event()

    def grant(request):
        renewing.set()
        release.wait(30)
        return kind

    def rejected(request):
        release.set()
        return httpx.Response(401, json=document(401))

    script = Script(rejected, token=grant)
    transport = httpx.MockTransport(script)
    store = Store(token("old", age_seconds=3500))
    with (
        VoucherCloud(client_id="a", client_secret="b", transport=transport, token_store=store) as cloud,
        ThreadPoolExecutor(1) as pool,
    ):
        cloud.authenticate()
        renewer = pool.submit(charge, cloud)
        assert renewing.wait(30)
        for ended in (lambda: charge(cloud), renewer.result):
            with pytest.raises((UnavailableError, CredentialsError)) as caught:
                ended()
            assert caught.value.money_moved == "no"
    assert [bearer(call) for call in script.calls] == ["old"]


def test_a_stored_token_is_used_and_a_new_one_stored(client):
    store = Store()
    run = client(VOUCHER, token_store=store)
    run(read)
    assert store.held.value == bearer(run.script.last)
    again = client(VOUCHER, token_store=store)
    again(read)
    assert again.script.token_requests == 0


def test_a_rejected_token_is_forgotten_in_the_store_and_no_other(client):
    store = Store(token("revoked"))
    run = client(
        lambda request: (
            httpx.Response(401, json=document(401))
            if bearer(request) == "revoked"
            else httpx.Response(200, json=VOUCHER)
        ),
        token_store=store,
    )
    run(read)
    assert store.forgotten == ["revoked"]
    assert store.held.value == bearer(run.script.last) != "revoked"


def test_a_store_that_keeps_giving_a_rejected_token_is_not_believed(client):
    class Stubborn(Store):
        def save(self, token):
            pass

        def forget(self, token):
            pass

    run = client(
        lambda request: (
            httpx.Response(401, json=document(401))
            if bearer(request) == "revoked"
            else httpx.Response(200, json=VOUCHER)
        ),
        token_store=Stubborn(token("revoked")),
    )
    assert run(read).id == "v-1"
    assert run.script.token_requests == 1


@pytest.mark.parametrize(
    "held",
    [
        "a string",
        {"value": "x"},
        token(""),
        token("with\r\nX-Header: injected"),
        token("x", age_seconds=4000),
        token(7),
        Token("naive", datetime(2026, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001
        Token("odd", None, None),
    ],
)
def test_a_store_with_rubbish_in_it_is_ignored(client, held):
    run = client(VOUCHER, token_store=Store(held))
    assert run(read).id == "v-1"
    assert run.script.token_requests == 1


def test_a_broken_store_never_breaks_a_call(client):
    run = client(
        lambda request: (
            httpx.Response(401, json=document(401))
            if bearer(request).endswith("-1")
            else httpx.Response(200, json=VOUCHER)
        ),
        token_store=BrokenStore(),
    )
    assert run(read).id == "v-1"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.ConnectError("x"), UnavailableError),
        (httpx.ReadTimeout("x"), UnavailableError),
        (httpx.RemoteProtocolError("x"), UnavailableError),
        (httpx.Response(500), UnavailableError),
        (httpx.Response(408), UnavailableError),
        (httpx.Response(503, json=document(503)), UnavailableError),
        (httpx.Response(429, headers={"Retry-After": "7"}), ThrottledError),
        (httpx.Response(400, json={"error": "invalid_scope"}), CredentialsError),
        (httpx.Response(401), CredentialsError),
        (httpx.Response(403, html="<html>"), CredentialsError),
        (httpx.Response(302, headers={"Location": "https://elsewhere.invalid"}), ContractError),
        (httpx.Response(404), ContractError),
        (httpx.Response(200), ContractError),
        (httpx.Response(200, html="<html>"), ContractError),
        (httpx.Response(200, json=[]), ContractError),
        (httpx.Response(200, json={"access_token": None}), ContractError),
        (httpx.Response(200, json={"access_token": "a b"}), ContractError),
        (httpx.Response(200, json={"access_token": "a\r\nb"}), ContractError),
        (httpx.Response(200, json={"access_token": "ü"}), ContractError),
        (httpx.Response(200, json={"access_token": "t", "token_type": "mac"}), ContractError),
        (httpx.Response(200, json={"access_token": "t", "token_type": 7}), ContractError),
        (httpx.Response(200, content=b" " * (2 << 20)), ContractError),
    ],
)
def test_a_failing_token_request_never_moves_money(client, answer, kind):
    run = client(Script(VOUCHER, token=answer))
    with pytest.raises(kind) as caught:
        run(charge)
    assert type(caught.value) is kind
    assert caught.value.money_moved == "no"
    assert (run.script.token_requests, run.script.calls) == (1, [])


def test_the_secret_may_be_a_callable_and_is_asked_only_when_it_is_needed(client):
    asked = []

    def secret():
        asked.append(1)
        return "from the vault"

    run = client(VOUCHER, client_secret=secret)
    run(read, read)
    assert len(asked) == 1
    assert b"from+the+vault" in run.script.requests[0].content


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {}", "\t{} \n", "\ufeff{}\n"])
@pytest.mark.parametrize("is_callable", [False, True])
def test_blanks_and_line_ends_around_the_credentials_are_not_sent(client, around, is_callable):
    secret = around.format("from a file")
    given = (lambda: secret) if is_callable else secret
    run = client(VOUCHER, client_id=around.format("shop"), client_secret=given)
    run(read)
    sent = parse_qs(run.script.requests[0].content.decode())
    assert (sent["client_id"], sent["client_secret"]) == (["shop"], ["from a file"])


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        (lambda: 1 / 0, UnavailableError),
        (lambda: "", CredentialsError),
        (lambda: None, CredentialsError),
        (lambda: "half a character \ud800", CredentialsError),
        (lambda: "of two\nlines", CredentialsError),
        (lambda: " \n", CredentialsError),
        (lambda: "x" * 1001, CredentialsError),
    ],
)
def test_a_secret_that_cannot_be_read_sends_nothing(client, secret, kind):
    run = client(VOUCHER, client_secret=secret)
    with pytest.raises(kind) as caught:
        run(read)
    assert caught.value.code == "client_secret"
    assert run.script.requests == []


def test_a_repeat_that_gets_no_fresh_token_ends_with_its_trouble(client):
    def grant(request):
        return run.script.grant(request) if run.script.granted == 0 else httpx.Response(429)

    run = client(Script(httpx.Response(401, json=document(401)), token=grant))
    with pytest.raises(ThrottledError) as caught:
        run(charge)
    assert (caught.value.money_moved, len(run.script.calls)) == ("no", 1)


def test_waiting_for_the_token_of_another_ends_at_the_deadline():
    release = threading.Event()

    def grant(request):
        release.wait(5)
        return httpx.Response(200, json={"access_token": "t"})

    script = Script(VOUCHER, token=grant)
    transport = httpx.MockTransport(script)
    with (
        VoucherCloud(client_id="a", client_secret="b", transport=transport, deadline_seconds=0.2) as cloud,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(cloud.authenticate)
        while not script.requests:
            time.sleep(0.001)
        with pytest.raises(UnavailableError) as caught:
            charge(cloud)
        release.set()
        first.result()
    assert caught.value.code == "token_wait"
    assert script.calls == []


def refused_with_401(request):
    return httpx.Response(401, json=document(401))


def test_after_a_new_token_was_refused_too_a_401_costs_no_further_token_for_a_minute(client):
    """The API may refuse a wrong PIN in this way."""
    run = client(refused_with_401)
    errors = run.errors(charge, lambda _: None, 5)
    assert {type(error) for error in errors} == {CredentialsError}
    assert (run.script.token_requests, len(run.script.calls)) == (2, 6)


def test_after_that_minute_a_401_may_be_about_the_token_again(client, monkeypatch):
    monkeypatch.setattr(keeper, "BELIEVED_SECONDS", 0.0)
    run = client(refused_with_401)
    run.errors(charge, lambda _: None, 2)
    assert (run.script.token_requests, len(run.script.calls)) == (3, 4)
