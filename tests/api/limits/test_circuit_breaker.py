"""The circuit breaker by itself: instants are given, nothing waits."""

import pytest

from voucher_payment_gateway.api._limits.circuit_breaker import CircuitBreaker


def opened(at=0.0):
    """A circuit that two timeouts have opened."""
    circuit = CircuitBreaker()
    assert not circuit.note_failure(5.0, at, was_probe=False)
    assert circuit.note_failure(5.0, at, was_probe=False)
    return circuit


def test_ten_quick_failures_in_a_row_open_it():
    circuit = CircuitBreaker()
    assert [circuit.note_failure(0.01, 0.0, was_probe=False) for _ in range(10)] == [False] * 9 + [True]
    assert [circuit.admit(0.0, 20) for _ in range(3)] == ["probe", "probing", "probing"]


def test_one_long_failure_opens_nothing():
    circuit = CircuitBreaker()
    assert not circuit.note_failure(60.0, 60.0, was_probe=False)
    assert circuit.note_failure(60.0, 60.0, was_probe=False)


def test_an_answer_in_between_begins_the_count_again():
    circuit = CircuitBreaker()
    for _ in range(9):
        circuit.note_failure(0.01, 0.0, was_probe=False)
    assert not circuit.note_answer(was_probe=False)
    assert not circuit.note_failure(0.01, 0.0, was_probe=False)
    assert circuit.admit(0.0, 20) == "closed"


def test_an_answer_closes_it():
    circuit = opened()
    circuit.admit(0.0, 20)
    assert circuit.note_answer(was_probe=True)
    assert [circuit.admit(0.0, 20) for _ in range(3)] == ["closed"] * 3


def test_after_a_failed_probe_the_next_call_tries_at_once():
    circuit = opened()
    assert circuit.admit(0.0, 20) == "probe"
    assert circuit.note_failure(5.0, 5.0, was_probe=True)
    assert [circuit.admit(5.0, 20) for _ in range(2)] == ["probe", "probing"]


def test_a_late_answer_to_a_call_from_before_closes_nothing():
    circuit = CircuitBreaker()
    circuit.obey_retry_after(8.0, 0.0)
    assert not circuit.note_answer(was_probe=False)
    assert circuit.open_seconds(0.0) == 8.0


def test_a_late_failure_of_a_call_from_before_shows_nothing_new():
    circuit = opened()
    openings = circuit.openings
    assert not circuit.note_failure(15.0, 4.0, was_probe=False)
    assert not circuit.has_failed_since(openings)


def test_it_says_since_when_it_has_seen_no_answer():
    circuit = CircuitBreaker()
    before = circuit.openings
    for _ in range(10):
        circuit.note_failure(0.1, 0.0, was_probe=False)
    assert circuit.has_failed_since(before)
    between = circuit.openings
    assert not circuit.has_failed_since(between)
    circuit.admit(0.0, 20)
    circuit.note_failure(5.0, 5.0, was_probe=True)
    assert circuit.has_failed_since(between)
    circuit.note_answer(was_probe=True)
    assert not circuit.has_failed_since(before)


def test_a_probe_that_showed_nothing_lets_the_next_one_try():
    circuit = opened()
    assert circuit.admit(5.0, 20) == "probe"
    circuit.release_probe()
    assert circuit.admit(5.0, 20) == "probe"


def test_a_probe_that_never_came_back_is_replaced():
    circuit = opened()
    assert [circuit.admit(at, 20) for at in (5.0, 24.9, 25.0)] == ["probe", "probing", "probe"]


@pytest.mark.parametrize(("asked", "kept"), [(7.0, 7.0), (10.0, 10.0), (366 * 86400.0, 10.0)])
def test_retry_after_is_respected_for_ten_seconds_at_a_time(asked, kept):
    circuit = CircuitBreaker()
    assert circuit.obey_retry_after(asked, 0.0)
    assert circuit.open_seconds(0.0) == kept
    assert circuit.admit(kept - 0.1, 20) == "open"
    assert [circuit.admit(kept, 20) for _ in range(2)] == ["probe", "probing"]


def test_a_shorter_retry_after_does_not_shorten_the_pause():
    circuit = CircuitBreaker()
    circuit.obey_retry_after(8.0, 0.0)
    assert not circuit.obey_retry_after(1.0, 0.0)
    assert not circuit.obey_retry_after(0.0, 0.0)
    assert circuit.open_seconds(0.0) == 8.0


def test_what_another_process_has_shared_is_adopted():
    circuit = CircuitBreaker()
    circuit.adopt(8.0, 0.0)
    assert circuit.admit(7.9, 20) == "open"
    circuit.adopt(None, 8.0)
    assert circuit.admit(8.0, 20) == "closed"


def test_a_circuit_that_another_process_may_probe_is_probed_here_one_at_a_time():
    circuit = CircuitBreaker()
    circuit.adopt(0.0, 3.0)
    assert [circuit.admit(3.0, 20), circuit.admit(3.0, 20)] == ["probe", "probing"]


def test_a_store_that_keeps_nothing_does_not_close_what_this_process_has_seen():
    circuit = opened()
    circuit.adopt(None, 1.0)
    assert [circuit.admit(1.0, 20) for _ in range(2)] == ["probe", "probing"]


def test_what_a_clock_that_is_ahead_has_shared_holds_back_nothing():
    circuit = CircuitBreaker()
    circuit.adopt(1e9, 0.0)
    assert [circuit.admit(0.0, 20) for _ in range(2)] == ["probe", "probing"]
