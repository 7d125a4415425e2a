"""What processes share: two clients with one store stand for two processes."""

import threading

import httpx
import pytest

from tests.api.doubles import CHARGE, Script, document
from tests.api.limits.conftest import EPOCH
from tests.api.limits.test_gate import ENOUGH, Held, charge, outcome
from tests.log_records import fields_of
from voucher_payment_gateway.api import Limits, VoucherCloud, patiently


def process(answer, store, **limits):
    """A client of its own, as another process has it, and the script of its Voucher Cloud."""
    script = Script(answer)
    limits = Limits(**{"slow_calls": 4, "store": store, **limits})
    transport = httpx.MockTransport(script)
    return VoucherCloud(client_id="c", client_secret="s", transport=transport, limits=limits), script


def open_circuit(cloud):
    for _ in range(10):
        outcome(charge, cloud)


def test_what_one_process_has_seen_the_others_know(clock, store):
    (first, _), (second, script) = process(httpx.ConnectError("x"), store), process(CHARGE, store)
    with first, second:
        open_circuit(first)
        assert store.until == EPOCH + clock.now
        store.probing = True  # the first one tries
        assert outcome(charge, second) == "circuit_open"
    assert not script.requests


def test_a_process_looks_once_a_second(clock, store):
    (first, _), (second, script) = process(httpx.ConnectError("x"), store), process(CHARGE, store)
    with first, second:
        assert outcome(charge, second) == "answered"
        open_circuit(first)
        store.probing = True
        clock.advance(0.9)
        assert outcome(charge, second) == "answered"
        clock.advance(0.1)
        assert outcome(charge, second) == "circuit_open"
    assert len(script.calls) == 2


def test_one_probe_at_a_time_of_all_processes(clock, store):
    held = Held()
    first, second = held.client(Limits(4, store=store)), process(CHARGE, store)[0]
    store.open(EPOCH + clock.now)
    with first, second:
        probe = threading.Thread(target=outcome, args=(charge, first))
        probe.start()
        assert held.arrived.acquire(timeout=ENOUGH)
        assert outcome(charge, second) == "circuit_open"
        held.released.set()
        probe.join(ENOUGH)
        assert store.until is None
        clock.advance(1)
        assert outcome(charge, second) == "answered"
    assert not store.probing


def test_a_failed_probe_leaves_it_open_for_all(clock, store):
    (first, _), (second, script) = process(httpx.ConnectError("x"), store), process(CHARGE, store)
    with first, second:
        open_circuit(first)
        clock.advance(5)
        assert outcome(charge, first) == "unavailable"
        assert (store.until, store.probing) == (EPOCH + clock.now, False)
        store.probing = True
        assert outcome(charge, second) == "circuit_open"
    assert not script.requests


def test_an_answer_to_another_process_closes_it_here(clock, store):
    (first, _), (second, _) = process(httpx.ConnectError("x"), store), process(CHARGE, store)
    with first, second:
        open_circuit(first)
        clock.advance(1)
        assert outcome(charge, first) == "unavailable"
        assert outcome(charge, second) == "answered"
        clock.advance(1)
        assert outcome(charge, first) == "unavailable"
        assert not first.has_failed_since(0)


def test_retry_after_is_respected_by_all(clock, store):
    busy = httpx.Response(429, headers={"Retry-After": "8"}, json=document(429))
    (first, _), (second, script) = process(busy, store), process(CHARGE, store)
    with first, second:
        assert outcome(charge, first) == "throttled"
        assert outcome(charge, second) == "circuit_open"
        clock.advance(8)
        assert outcome(charge, second) == "answered"
    assert len(script.calls) == 1


class Broken:
    """A store whose every method raises."""

    def __getattribute__(self, name):
        raise ConnectionError("no cache")


class Silent:
    """A store whose every method returns None, as a cache that swallows its own failures."""

    def open_until(self):
        return None

    def open(self, until):
        return None

    close = release_probe = lambda self: None
    claim_probe = count = lambda self, _: None


class Odd(Silent):
    """A store that gives back what nobody has stored."""

    def open_until(self):
        return "soon"

    count = claim_probe = lambda self, _: "many"


@pytest.mark.parametrize("kind", [Broken, Silent, Odd])
def test_a_process_counts_by_itself_where_the_store_does_not_work(clock, kind, caplog):
    left = [10]

    def answer(_):
        left[0] -= 1
        return httpx.ConnectError("x") if left[0] >= 0 else httpx.Response(200, json=CHARGE)

    cloud, script = process(answer, kind(), requests_per_second=20)
    with cloud:
        open_circuit(cloud)
        assert cloud.has_failed_since(0)
        clock.advance(1)
        assert [outcome(charge, cloud) for _ in range(3)] == ["answered"] * 3
        assert not cloud.has_failed_since(0)
    assert len(script.calls) == 13
    events = [fields_of(record).get("voucher_event") for record in caplog.records]
    assert events.count("limit_store_failed") == (kind is Broken)


def test_a_store_that_hangs_holds_up_one_call_for_a_moment_and_is_left_alone(clock, store):
    hangs, asked = threading.Event(), []

    class Hanging(type(store)):
        def open_until(self):
            asked.append(True)
            hangs.wait(ENOUGH)

    cloud, _ = process(CHARGE, Hanging())
    with cloud:
        for _ in range(5):
            assert outcome(charge, cloud) == "answered"
            clock.advance(1)
    assert len(asked) == 1
    hangs.set()


def test_calls_beyond_the_rate_wait_for_the_next_second(sleeps, clock, store):
    clock.now = 1000.25
    (first, one), (second, two) = (process(CHARGE, store, requests_per_second=2) for _ in range(2))
    with first, second:
        assert [outcome(charge, cloud) for cloud in (first, second, first)] == ["answered"] * 3
    assert sleeps == [0.75]
    assert len(one.calls + two.calls) == 3


def test_a_visitor_waits_two_seconds_at_most(sleeps, clock, store):
    busy = int(EPOCH + clock.now)
    store.counted = {busy + number: 5 for number in range(20)}
    cloud, script = process(CHARGE, store, requests_per_second=5)
    with cloud:
        assert outcome(charge, cloud) == "rate_limited"
        assert sum(sleeps) <= 2
    assert not script.requests


def test_patient_work_waits_longer(sleeps, clock, store):
    busy = int(EPOCH + clock.now)
    store.counted = {busy + number: 5 for number in range(5)}
    cloud, script = process(CHARGE, store, requests_per_second=5)
    with cloud:
        assert patiently()(outcome)(charge, cloud) == "answered"
    assert sum(sleeps) == 5
    assert len(script.calls) == 1


def test_without_a_store_each_process_has_the_whole_rate(sleeps, clock):
    cloud, script = process(CHARGE, None, requests_per_second=2)
    with cloud:
        assert [outcome(charge, cloud) for _ in range(5)] == ["answered"] * 5
    assert sleeps == [1.0, 1.0]
    assert len(script.calls) == 5


def test_a_probe_waits_for_the_rate_without_losing_its_turn(sleeps, clock, store):
    busy = int(EPOCH + clock.now)
    store.counted = {busy + number: 5 for number in range(3)}
    store.open(EPOCH + clock.now)
    cloud, _ = process(CHARGE, store, requests_per_second=5)
    with cloud:
        assert outcome(charge, cloud) == "rate_limited"
        assert not store.probing
        clock.advance(3)
        assert outcome(charge, cloud) == "answered"
