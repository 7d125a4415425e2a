"""The store that shares a token: given up when no token came, and never waited for past the time of a call."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.api.doubles import VOUCHER, Script, document
from voucher_payment_gateway.api import AsyncVoucherCloud, Token, VoucherCloud
from voucher_payment_gateway.exceptions import UnavailableError, VoucherGatewayError

FAR = 60.0
"""How long the store hangs: a call that waited for it would take as long, and the test would find it ended."""


def read(cloud):
    return cloud.get_voucher("v-1")


class Store:
    """A store that tells what it was asked."""

    def __init__(self):
        self.asked, self.waits = [], []
        self.given_up = threading.Event()

    def load(self, wait_seconds):
        self.asked.append("load")
        self.waits.append(wait_seconds)

    def save(self, token):
        self.asked.append("save")

    def forget(self, token):
        self.asked.append("forget")

    def give_up(self):
        self.asked.append("give_up")
        self.given_up.set()


class HangingStore(Store):
    """A store one of whose calls hangs until it is let go."""

    def __init__(self, hanging):
        super().__init__()
        self.let_go = threading.Event()
        self.ended = []
        inner = getattr(self, hanging)

        def hang(*arguments):
            inner(*arguments)
            self.let_go.wait(FAR)
            self.ended.append(hanging)

        setattr(self, hanging, hang)


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(500), httpx.Response(400), httpx.Response(200, html="x"), httpx.ConnectError("x")],
)
def test_a_token_request_that_fails_is_given_up(client, answer):
    store = Store()
    run = client(Script(VOUCHER, token=answer), token_store=store)
    with pytest.raises(VoucherGatewayError):
        run(lambda cloud: cloud.authenticate())
    assert store.asked == ["load", "give_up"]


@pytest.mark.parametrize("secret", [lambda: 1 / 0, lambda: ""])
def test_a_secret_that_cannot_be_read_is_given_up(client, secret):
    store = Store()
    with pytest.raises(VoucherGatewayError):
        client(VOUCHER, client_secret=secret, token_store=store)(read)
    assert store.asked == ["load", "give_up"]


def test_a_token_that_came_is_saved_and_not_given_up(client):
    store = Store()
    client(VOUCHER, token_store=store)(read)
    assert store.asked == ["load", "save"]


class ExitError(BaseException):
    """As the exit of a worker that is stopped."""


def test_an_exit_in_the_middle_of_a_token_request_gives_up(client):
    store = Store()

    def leave(request):
        raise ExitError

    with pytest.raises(ExitError):
        client(Script(VOUCHER, token=leave), token_store=store)(read)
    assert store.given_up.wait(FAR)


def test_a_task_that_is_cancelled_in_the_middle_of_a_token_request_gives_up():
    store = Store()

    async def cancelled():
        asked = asyncio.Event()

        async def handler(request):
            asked.set()
            await asyncio.sleep(FAR)

        transport = httpx.MockTransport(handler)
        async with AsyncVoucherCloud(
            client_id="a", client_secret="b", transport=transport, token_store=store
        ) as cloud:
            task = asyncio.create_task(cloud.authenticate())
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancelled())
    assert store.given_up.wait(FAR)


@pytest.mark.parametrize("deadline_seconds", [0.5, 15.0])
def test_the_store_is_told_how_long_it_may_wait(client, deadline_seconds):
    store = Store()
    client(VOUCHER, token_store=store, deadline_seconds=deadline_seconds)(read)
    assert all(0 < wait <= deadline_seconds / 2 for wait in store.waits)
    assert len(store.waits) == 1


def rejecting_the_first(request):
    if request.headers["authorization"].endswith("-1"):
        return httpx.Response(401, json=document(401))
    return httpx.Response(200, json=VOUCHER)


@pytest.mark.parametrize("hanging", ["load", "save", "forget"])
def test_a_store_that_hangs_holds_up_no_call(client, hanging):
    store = HangingStore(hanging)
    run = client(rejecting_the_first, token_store=store, deadline_seconds=2.0)
    try:
        assert run(read, read).id == "v-1"
        assert store.ended == []
        assert store.asked.count(hanging) == 1
    finally:
        store.let_go.set()


def test_giving_up_that_hangs_holds_up_no_call(client):
    store = HangingStore("give_up")
    run = client(Script(VOUCHER, token=httpx.Response(500)), token_store=store, deadline_seconds=0.5)
    try:
        with pytest.raises(UnavailableError):
            run(lambda cloud: cloud.authenticate())
        assert store.ended == []
    finally:
        store.let_go.set()


def test_a_store_that_answers_too_late_is_given_up_then(client):
    store = HangingStore("load")
    try:
        client(VOUCHER, token_store=store, deadline_seconds=0.5)(read)
        assert store.asked == ["load"]
    finally:
        store.let_go.set()
    assert store.given_up.wait(FAR)


def test_a_store_that_hung_is_asked_again_once_it_came_back():
    store = HangingStore("load")
    script = Script(rejecting_the_first)
    transport = httpx.MockTransport(script)
    with VoucherCloud(
        client_id="a", client_secret="b", transport=transport, token_store=store, deadline_seconds=0.5
    ) as cloud:
        cloud.authenticate()
        store.let_go.set()
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and thread.daemon:
                thread.join(FAR)
        now = datetime.now(UTC)
        store.load = lambda wait_seconds: Token("shared", now, now + timedelta(hours=1))
        read(cloud)
    assert script.last.headers["authorization"] == "Bearer shared"


def test_a_secret_that_hangs_holds_up_no_call(client):
    let_go, asked = threading.Event(), []

    def secret():
        asked.append(1)
        let_go.wait(FAR)
        return "late"

    run = client(VOUCHER, client_secret=secret, deadline_seconds=0.3)
    try:
        errors = run.errors(read, lambda i: None, 3)
        assert [(type(error), error.code) for error in errors] == [(UnavailableError, "client_secret")] * 3
        assert run.script.requests == []
        assert len(asked) == 1
    finally:
        let_go.set()
