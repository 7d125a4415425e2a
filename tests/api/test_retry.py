"""Reads are repeated on trouble, within the deadline and no sooner than asked."""

import time

import httpx
import pytest

from tests.api.doubles import VOUCHER, Script, document
from voucher_payment_gateway.api._flow import MAX_ATTEMPTS, MAX_PAUSE_SECONDS, pause_seconds
from voucher_payment_gateway.api._steps import Deadline
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    RefusedError,
    ThrottledError,
    UnavailableError,
)


def read(cloud):
    return cloud.get_voucher("v-1")


def troubled(count, trouble):
    """An API that has this trouble ``count`` times before it answers."""
    left = [count]

    def answer(request):
        left[0] -= 1
        if left[0] < 0:
            return httpx.Response(200, json=VOUCHER)
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    return answer


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
        httpx.ReadError("x"),
        httpx.RemoteProtocolError("x"),
        httpx.Response(500),
        httpx.Response(502, html="<html>"),
        httpx.Response(503, json=document(503)),
        httpx.Response(408),
        httpx.Response(429),
    ],
)
def test_a_read_is_repeated_on_trouble(client, trouble):
    run = client(troubled(2, trouble))
    assert run(read).id == "v-1"
    assert len(run.script.calls) == 3


def test_a_read_is_given_up_in_the_end(client):
    run = client(httpx.Response(500))
    with pytest.raises(UnavailableError) as caught:
        run(read)
    assert caught.value.http_status == 500
    assert len(run.script.calls) == MAX_ATTEMPTS


@pytest.mark.parametrize(
    "answer", [httpx.Response(404, json=document(404)), httpx.Response(200), httpx.Response(302)]
)
def test_a_clear_answer_is_not_asked_for_again(client, answer):
    run = client(answer)
    with pytest.raises((RefusedError, ContractError)):
        run(read)
    assert len(run.script.calls) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_is_as_long_as_the_server_asks(client, status):
    run = client(troubled(1, httpx.Response(status, headers={"Retry-After": "1"})))
    begun = time.monotonic()
    run(read)
    assert time.monotonic() - begun >= 1.0
    assert len(run.script.calls) == 2


def test_a_pause_beyond_the_deadline_is_not_made(client):
    run = client(httpx.Response(429, headers={"Retry-After": "3600"}), deadline_seconds=60.0)
    begun = time.monotonic()
    with pytest.raises(ThrottledError) as caught:
        run(read)
    assert time.monotonic() - begun < 30.0
    assert caught.value.retry_after_seconds == 3600.0
    assert len(run.script.calls) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_the_token_request_is_asked_for_is_kept(client, status):
    later = httpx.Response(status, headers={"Retry-After": "3600"})
    run = client(Script(VOUCHER, token=later))
    with pytest.raises(UnavailableError) as caught:
        run(read)
    assert caught.value.retry_after_seconds == 3600.0
    assert run.script.token_requests == 1


def test_the_repeats_of_a_read_end_with_the_deadline(client):
    run = client(httpx.Response(500), deadline_seconds=0.12)
    with pytest.raises(UnavailableError):
        run(lambda cloud: cloud.authenticate(), read)
    assert len(run.script.calls) < MAX_ATTEMPTS


def test_pauses_grow_with_jitter_up_to_a_ceiling():
    far = Deadline.after(1000)
    for attempt in range(1, MAX_ATTEMPTS):
        pauses = {pause_seconds(attempt, UnavailableError(), None, far) for _ in range(50)}
        assert len(pauses) > 1
        assert all(0 < pause <= MAX_PAUSE_SECONDS for pause in pauses)
    assert pause_seconds(MAX_ATTEMPTS, UnavailableError(), None, far) is None
    assert pause_seconds(1, UnavailableError(code="send_window_passed"), None, far) is None
    assert pause_seconds(1, CredentialsError(), None, far) is None
