"""The limits of a client: what they refuse is not sent, and what they let through is as before."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import httpx
import pytest

from tests.api.doubles import CHARGE, Script, Threads, document
from tests.log_records import fields_of
from voucher_payment_gateway.api import AsyncVoucherCloud, Limits, VoucherCloud, patiently
from voucher_payment_gateway.api.limits import as_one_caller, is_patient, through_open_circuit, worker_threads
from voucher_payment_gateway.exceptions import (
    OutcomeUnknownError,
    RefusedError,
    ThrottledError,
    UnavailableError,
    VoucherGatewayError,
)

ENOUGH = 20
"""Seconds after which a test that hangs is given up."""


def charge(cloud):
    return cloud.charge("r-1", "ORDER-1")


def read(cloud):
    return cloud.get_voucher("v-1")


def authenticate(cloud):
    return cloud.authenticate()


def code_of(error):
    return error.code if isinstance(error, VoucherGatewayError) else "answered"


class Held:
    """A Voucher Cloud that answers a call only once it is released. It grants tokens at once."""

    def __init__(self):
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        self.script = Script(self._answer)

    def _answer(self, _):
        self.arrived.release()
        assert self.released.wait(ENOUGH)
        return httpx.Response(200, json=CHARGE)

    def client(self, limits):
        return VoucherCloud(
            client_id="c-1", client_secret="s", transport=httpx.MockTransport(self.script), limits=limits
        )


@pytest.fixture
def held(clock):
    cloud = Held()
    yield cloud
    cloud.released.set()


def outcome(ask, cloud):
    try:
        ask(cloud)
    except VoucherGatewayError as error:
        return error.code
    return "answered"


def test_of_64_threads_at_once_a_hang_holds_up_as_many_as_it_may(held, clock):
    with held.client(Limits(slow_calls=3)) as cloud, ThreadPoolExecutor(64) as pool:
        calls = [pool.submit(outcome, charge, cloud) for _ in range(64)]
        for _ in range(3):
            assert held.arrived.acquire(timeout=ENOUGH)
        clock.advance(1.1)
        while sum(call.done() for call in calls) < 61:
            wait([call for call in calls if not call.done()], timeout=ENOUGH, return_when="FIRST_COMPLETED")
        assert len(held.script.calls) == 3
        assert outcome(charge, cloud) == "too_many_slow_calls"
        held.released.set()
        codes = sorted(call.result(ENOUGH) for call in calls)
    assert codes == ["answered"] * 3 + ["too_many_slow_calls"] * 61
    assert len(held.script.calls) == 3


def test_of_many_tasks_at_once_a_hang_holds_up_as_many_as_it_may(clock):
    script = Script(CHARGE)

    async def answer(request):
        if request.url.path != "/oauth/token":
            arrived.set()
            await released.wait()
        return script(request)

    async def code(cloud):
        try:
            await cloud.charge("r-1", "ORDER-1")
        except VoucherGatewayError as error:
            return error.code
        return "answered"

    async def run():
        transport = httpx.MockTransport(answer)
        async with AsyncVoucherCloud(
            client_id="c", client_secret="s", transport=transport, limits=Limits(slow_calls=1)
        ) as cloud:
            calls = [asyncio.create_task(code(cloud)) for _ in range(8)]
            await asyncio.wait_for(arrived.wait(), ENOUGH)
            clock.advance(1.1)
            while sum(call.done() for call in calls) < 7:
                waiting = [call for call in calls if not call.done()]
                await asyncio.wait(waiting, timeout=ENOUGH, return_when=asyncio.FIRST_COMPLETED)
            released.set()
            return await asyncio.gather(*calls)

    arrived, released = asyncio.Event(), asyncio.Event()
    assert sorted(asyncio.run(run())) == ["answered"] + ["too_many_slow_calls"] * 7
    assert len(script.calls) == 1


def test_a_call_that_would_be_refused_is_not_begun(held, clock):
    with held.client(Limits(slow_calls=1)) as cloud, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(outcome, charge, cloud)
        assert held.arrived.acquire(timeout=ENOUGH)
        clock.advance(1.1)
        assert outcome(authenticate, cloud) == "too_many_slow_calls"
        assert outcome(read, cloud) == "too_many_slow_calls"
        held.released.set()
        assert slow.result(ENOUGH) == "answered"


def test_the_calls_that_one_thread_waits_for_hold_up_one(held, clock):
    with held.client(Limits(slow_calls=1)) as cloud, ThreadPoolExecutor(8) as pool:
        one = as_one_caller(lambda _: outcome(charge, cloud))
        calls = [pool.submit(one, number) for number in range(4)]
        for _ in range(4):
            assert held.arrived.acquire(timeout=ENOUGH)
        held.released.set()
        assert [call.result(ENOUGH) for call in calls] == ["answered"] * 4


def test_the_calls_that_a_patient_thread_waits_for_are_patient():
    with ThreadPoolExecutor(1) as pool:
        asked = as_one_caller(lambda _: is_patient())
        assert list(pool.map(asked, [1])) == [False]
        with patiently():
            asked = as_one_caller(lambda _: is_patient())
        assert list(pool.map(asked, [1])) == [True]
        assert list(pool.map(lambda _: is_patient(), [1])) == [False]


def test_a_patient_call_waits_for_its_turn(held, clock):
    with held.client(Limits(slow_calls=1)) as cloud, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(outcome, charge, cloud)
        assert held.arrived.acquire(timeout=ENOUGH)
        clock.advance(1.1)
        patient = pool.submit(patiently()(outcome), charge, cloud)
        held.released.set()
        assert [slow.result(ENOUGH), patient.result(ENOUGH)] == ["answered"] * 2


def test_after_failures_in_a_row_one_call_at_a_time_is_sent(client, clock):
    run = client(httpx.ConnectError("x"), limits=Limits(slow_calls=4))
    found = run.errors(charge, lambda _: None, 12)
    assert [code_of(error) for error in found] == ["unavailable"] * 12
    assert len(run.script.calls) == 12


def opens_circuit(run, ask=charge):
    """Ask ten times, and return whether that opens the circuit."""
    clients = []
    run.errors(lambda cloud: (clients.append(cloud), ask(cloud))[1], lambda _: None, 10)
    return clients[0].has_failed_since(0)


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectTimeout("x"),
        httpx.ReadTimeout("x"),
        httpx.ReadError("x"),
        httpx.Response(500),
        httpx.Response(502, html="<html>"),
        httpx.Response(503, json=document(503)),
        httpx.Response(408),
    ],
)
def test_each_of_these_is_a_failure(client, clock, trouble):
    run = client(trouble, limits=Limits(slow_calls=4))
    assert opens_circuit(run)
    assert len(run.script.calls) == 10


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, json=document(404)),
        httpx.Response(409, json=document(409)),
        httpx.Response(422, json=document(422)),
        httpx.Response(403, json=document(403)),
        httpx.Response(429, json=document(429)),
        httpx.Response(401, json=document(401)),
        httpx.Response(302),
        httpx.Response(200, text="<html>"),
    ],
)
def test_an_answer_is_no_failure(client, clock, answer):
    run = client(answer, limits=Limits(slow_calls=4))
    assert not opens_circuit(run)
    assert len(run.script.calls) >= 10


def test_a_token_request_that_fails_counts_and_nothing_follows_it(client, clock):
    script = Script(CHARGE, token=httpx.Response(500))
    run = client(script, limits=Limits(slow_calls=4))
    assert opens_circuit(run)
    assert (script.token_requests, len(script.calls)) == (10, 0)


def test_a_cached_token_is_no_answer(client, clock):
    run = client(httpx.ConnectError("x"), limits=Limits(slow_calls=4))
    asks = [charge, authenticate] * 5
    assert not opens_circuit(run, lambda cloud: asks.pop(0)(cloud))
    asks = [charge, authenticate] * 10
    found = []
    run.errors(lambda cloud: (found.append(cloud), asks.pop(0)(cloud))[1], lambda _: None, 19)
    assert found[0].has_failed_since(0)


def test_one_probe_at_a_time(held, clock):
    held.script.answer = httpx.ConnectError("x")
    with held.client(Limits(slow_calls=9)) as cloud, ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            assert outcome(charge, cloud) == "unavailable"
        held.script.answer = held._answer
        probe = pool.submit(outcome, charge, cloud)
        assert held.arrived.acquire(timeout=ENOUGH)
        assert outcome(charge, cloud) == "circuit_open"
        read_too = pool.submit(through_open_circuit()(outcome), charge, cloud)
        assert held.arrived.acquire(timeout=ENOUGH)
        held.released.set()
        assert probe.result(ENOUGH) == "answered"
        assert read_too.result(ENOUGH) == "answered"
        assert outcome(charge, cloud) == "answered"


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_holds_back_every_call(client, clock, status):
    answers = [httpx.Response(status, headers={"Retry-After": "7"}, json=document(status)), CHARGE]
    run = client(lambda _: answers.pop(0), limits=Limits(slow_calls=4))
    waits = {2: 6.9, 3: 0.1}
    found = run.errors(charge, lambda number: clock.advance(waits.get(number, 0)), 4)
    kind = ThrottledError if status == 429 else UnavailableError
    assert type(found[0]) is kind
    assert [code_of(error) for error in found[1:]] == ["circuit_open", "circuit_open", "answered"]


def test_a_probe_that_is_asked_to_wait_closes_nothing(client, clock, caplog):
    caplog.set_level("INFO")
    busy = httpx.Response(429, headers={"Retry-After": "7"}, json=document(429))
    run = client(busy, limits=Limits(slow_calls=4))
    found = run.errors(charge, lambda number: clock.advance({1: 7, 3: 7}.get(number, 0)), 4)
    assert [code_of(error) for error in found] == ["throttled", "throttled", "circuit_open", "throttled"]
    assert "circuit_closed" not in {fields_of(record).get("voucher_event") for record in caplog.records}


def test_retry_after_outlasts_the_answers_to_calls_from_before(held, clock):
    with held.client(Limits(slow_calls=4)) as cloud, ThreadPoolExecutor(1) as pool:
        before = pool.submit(outcome, charge, cloud)
        assert held.arrived.acquire(timeout=ENOUGH)
        held.script.answer = httpx.Response(429, headers={"Retry-After": "7"}, json=document(429))
        assert outcome(charge, cloud) == "throttled"
        held.released.set()
        assert before.result(ENOUGH) == "answered"
        assert outcome(charge, cloud) == "circuit_open"


def test_a_refusal_with_retry_after_holds_back_nothing(client, clock):
    run = client(
        httpx.Response(422, headers={"Retry-After": "7"}, json=document(422)), limits=Limits(slow_calls=4)
    )
    found = run.errors(charge, lambda _: None, 3)
    assert {type(error) for error in found} == {RefusedError}


def test_a_client_without_limits_holds_back_nothing(client):
    run = client(httpx.ReadTimeout("x"))
    found = run.errors(charge, lambda _: None, 30)
    assert {type(error) for error in found} == {OutcomeUnknownError}
    assert len(run.script.calls) == 30


def test_patient_work_waits_for_the_end_of_retry_after(sleeps, clock):
    answers = [httpx.Response(429, headers={"Retry-After": "3600"}, json=document(429)), CHARGE]
    run = Threads(lambda _: answers.pop(0), limits=Limits(slow_calls=4))
    found = run.errors(patiently()(charge), lambda _: None, 2)
    assert [code_of(error) for error in found] == ["throttled", "answered"]
    assert sum(sleeps) == 10


def test_a_client_says_whether_it_was_answered(clock):
    script = Script(httpx.ConnectError("x"))
    cloud = VoucherCloud(
        client_id="c",
        client_secret="s",
        transport=httpx.MockTransport(script),
        limits=Limits(slow_calls=4),
    )
    with cloud:
        assert (cloud.openings(), cloud.has_failed_since(0)) == (0, False)
        for _ in range(10):
            outcome(charge, cloud)
        assert (cloud.openings(), cloud.has_failed_since(0), cloud.has_failed_since(1)) == (1, True, False)
        script.answer = CHARGE
        assert outcome(charge, cloud) == "answered"
        assert not cloud.has_failed_since(0)


def test_a_cancelled_probe_lets_the_next_one_try(clock):
    from voucher_payment_gateway.api._limits.gate import Gate
    from voucher_payment_gateway.api._steps import Deadline, Sleep

    gate = Gate(Limits(slow_calls=1))
    gate._circuit.obey_retry_after(1.0, clock.now)
    clock.advance(1)

    def endless():
        while True:
            yield Sleep(1)

    deadline = Deadline.after(15)
    first = gate.call(gate.attempt(endless(), deadline), deadline)
    next(first)
    first.close()
    second = gate.call(gate.attempt(endless(), deadline), deadline)
    assert next(second) == Sleep(1)


def test_what_waits_for_a_probe_is_refused_once_that_has_failed(clock):
    from voucher_payment_gateway.api._limits.gate import Gate
    from voucher_payment_gateway.api._steps import Deadline, Sleep

    def endless():
        while True:
            yield Sleep(1)

    gate, deadline = Gate(Limits(slow_calls=2)), Deadline.after(15)
    for _ in range(2):
        gate._circuit.note_failure(5.0, clock.now, was_probe=False)
    probe = gate.attempt(endless(), deadline)
    assert next(probe) == Sleep(1)
    with patiently():
        waiting = gate.attempt(endless(), deadline)
        assert next(waiting) == Sleep(0.1)
        clock.advance(5)
        gate._circuit.note_failure(5.0, clock.now, was_probe=True)
        with pytest.raises(StopIteration) as ended:
            next(waiting)
    assert ended.value.value[0].code == "circuit_open"


@pytest.mark.parametrize(
    "wrong",
    [
        {"slow_calls": 0},
        {"slow_calls": True},
        {"slow_calls": None},
        {"slow_calls": 1, "requests_per_second": 0},
    ],
)
def test_a_limit_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match=next(reversed(wrong))):
        Limits(**wrong)


def test_another_object_is_no_limits():
    with pytest.raises(ValueError, match="limits"):
        VoucherCloud(client_id="c", client_secret="s", limits={"slow_calls": 1})


@pytest.mark.parametrize(
    ("command", "environment", "threads"),
    [
        ("gunicorn shop.wsgi --threads 4", "", 4),
        ("gunicorn --threads=8 shop.wsgi", "", 8),
        ("waitress-serve --threads=6 shop.wsgi:application", "", 6),
        ("gunicorn shop.wsgi", "--workers 2 --threads 12", 12),
        ("gunicorn shop.wsgi --threads 3", "--threads 12", 3),
        ("gunicorn shop.wsgi --threads", "--threads 5", 5),
        ("gunicorn shop.wsgi --threads many", "", 32),
        ("manage.py voucher_settle", "", 32),
        ("gunicorn shop.wsgi", "--name 'unclosed", 32),
        ("gunicorn shop.wsgi --threads 0", "", 1),
    ],
)
def test_the_threads_of_a_worker_are_read_from_its_command(command, environment, threads):
    found = worker_threads(command.split(), {"GUNICORN_CMD_ARGS": environment})
    assert found == threads
