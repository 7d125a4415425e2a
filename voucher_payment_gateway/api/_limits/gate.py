"""The gate before each call: bulkhead, circuit breaker and rate limit. What it refuses was not sent.

Flows, as the rest of a call: the sync and the async client run them alike. All decisions are made in memory; the store
that processes share is looked at once a second, and where something changes.
"""

import time
from typing import TypeVar

from voucher_payment_gateway.api import limits
from voucher_payment_gateway.api._limits.bulkhead import Bulkhead
from voucher_payment_gateway.api._limits.circuit_breaker import CircuitBreaker
from voucher_payment_gateway.api._limits.evidence import asked_to_wait, shows
from voucher_payment_gateway.api._limits.rate_limit import RateLimit
from voucher_payment_gateway.api._limits.refusals import circuit_open, rate_limited, too_many_slow_calls
from voucher_payment_gateway.api._limits.shared_state import SharedState
from voucher_payment_gateway.api._steps import Deadline, Flow, Sleep
from voucher_payment_gateway.api.limits import Limits, caller, goes_through_open_circuit, is_patient
from voucher_payment_gateway.exceptions import UnavailableError, VoucherGatewayError
from voucher_payment_gateway.log_events import ApiEvents

POLL_SECONDS = 0.01
PATIENT_POLL_SECONDS = 0.1
MAX_RATE_WAIT_SECONDS = 2.0
"""How long a call that a visitor waits for stands in the queue of the rate limit."""

PROBE_MARGIN_SECONDS = 5.0

T = TypeVar("T")
Attempt = tuple[T | VoucherGatewayError, float | None]


class Gate:
    """The limits of one client in one process. Each of its flows returns what the given one does, or a refusal."""

    def __init__(self, given: Limits) -> None:
        self._limits = given
        self.renew()

    def renew(self) -> None:
        """Begin again, in a process that has made no call yet: the child of a fork knows nothing of earlier calls."""
        self._bulkhead = Bulkhead(self._limits.slow_calls)
        self._circuit = CircuitBreaker()
        self._shared = SharedState(self._limits.store)
        per_second = self._limits.requests_per_second
        self._rate = None if per_second is None else RateLimit(per_second)

    def openings(self) -> int:
        """Return how often a failure has opened the circuit, or kept it open, in this process."""
        return self._circuit.openings

    def has_failed_since(self, openings: int) -> bool:
        """Return whether the circuit is open, and a failure has shown it since ``openings`` was read."""
        return self._circuit.has_failed_since(openings)

    def call(
        self, flow: Flow[T | VoucherGatewayError], deadline: Deadline, *, sends: bool = True
    ) -> Flow[T | VoucherGatewayError]:
        """Run a whole call inside of the bulkhead. ``sends``: its success is an answer."""
        bulkhead, who, since, answered = self._bulkhead, caller(), limits.clock(), False
        if bulkhead.enter(who, since) != "entered":
            refusal = yield from self._enter(who, deadline)
            if refusal is not None:
                return refusal
            since = limits.clock()
        try:
            result = yield from flow
            answered = sends and shows(result) == "answer"
            return result
        finally:
            bulkhead.leave(who, since, limits.clock(), answered=answered)

    def authentication(
        self, flow: Flow[T | VoucherGatewayError], deadline: Deadline
    ) -> Flow[T | VoucherGatewayError]:
        """Run what comes before a call, so that a call which would be refused is not begun. It may send nothing."""
        return (yield from self.call(self._attempted(flow, deadline), deadline, sends=False))

    def _attempted(
        self, flow: Flow[T | VoucherGatewayError], deadline: Deadline
    ) -> Flow[T | VoucherGatewayError]:
        found, _ = yield from self.attempt(_as_attempt(flow), deadline, sends=False)
        return found

    def attempt(self, flow: Flow[Attempt[T]], deadline: Deadline, *, sends: bool = True) -> Flow[Attempt[T]]:
        """Send one request, retries excluded, if the circuit and the rate limit let it go."""
        began, verdict = limits.clock(), "closed"
        if not goes_through_open_circuit() and self._may_hold_back(began):
            admitted = yield from self._admit(deadline, counted=sends)
            if isinstance(admitted, UnavailableError):
                return admitted, None
            began, verdict = limits.clock(), admitted
        is_probe, has_ended = verdict == "probe", False
        try:
            result, retry_after = yield from flow
            has_ended = True
        finally:
            if is_probe and not has_ended:
                self._circuit.release_probe()
        is_error = isinstance(result, VoucherGatewayError)
        if is_error or is_probe or not self._circuit.is_untroubled:
            pause = asked_to_wait(result, retry_after)
            seen = shows(result) if sends or is_error else "nothing"
            yield from self._note(seen, limits.clock() - began, is_probe, pause)
        return result, retry_after

    def _may_hold_back(self, now: float) -> bool:
        return self._rate is not None or not self._circuit.is_closed or self._shared.is_due(now)

    def _enter(self, who: object, deadline: Deadline) -> Flow[UnavailableError | None]:
        patience = _patience(deadline)
        while True:
            verdict = self._bulkhead.enter(who, limits.clock())
            if verdict == "entered":
                return None
            is_full = verdict == "full" and patience.remaining_seconds() <= 0
            if is_full or deadline.remaining_seconds() <= 0:
                return too_many_slow_calls()
            yield Sleep(PATIENT_POLL_SECONDS if verdict == "full" else POLL_SECONDS)

    def _admit(self, deadline: Deadline, *, counted: bool) -> Flow[str | UnavailableError]:
        openings, patience, has_waited = self._circuit.openings, _patience(deadline), False
        yield from self._look()
        is_held_back = self._circuit.open_seconds(limits.clock()) > 0
        if counted and not is_held_back and (yield from self._is_over_rate(deadline)):
            return rate_limited()
        while True:
            now = limits.clock()
            left = self._circuit.open_seconds(now)
            if self.has_failed_since(openings):  # while this call waited
                return circuit_open(left)
            verdict = self._circuit.admit(now, deadline.remaining_seconds() + PROBE_MARGIN_SECONDS)
            if verdict == "probe" and not (yield from self._claims_probe(deadline)):
                verdict = "probing"
            if verdict in ("closed", "probe"):
                return verdict
            if patience.remaining_seconds() < left or not is_patient() or (left and has_waited):
                return circuit_open(left)
            has_waited = has_waited or left > 0
            yield Sleep(left or PATIENT_POLL_SECONDS)
            yield from self._look()

    def _look(self) -> Flow[None]:
        """Adopt what the processes know, once a second."""
        if self._shared.must_look(limits.clock()):
            seconds = yield from self._shared.open_seconds()
            if not isinstance(seconds, Exception):
                self._circuit.adopt(seconds, limits.clock())

    def _claims_probe(self, deadline: Deadline) -> Flow[bool]:
        seconds = deadline.remaining_seconds() + PROBE_MARGIN_SECONDS
        claimed = yield from self._shared.claims_probe(seconds)
        if not claimed:
            self._circuit.release_probe()
        return claimed

    def _is_over_rate(self, deadline: Deadline) -> Flow[bool]:
        """Wait for a second in which there is room for this call; return whether that would take too long."""
        if (rate := self._rate) is None:
            return False
        patience = _patience(deadline, MAX_RATE_WAIT_SECONDS)
        while True:
            now = time.time()
            counted = yield from self._shared.count(int(now))
            if (rate.count(int(now)) if counted is None else counted) <= rate.per_second:
                return False
            left = int(now) + 1 - time.time()
            if left > patience.remaining_seconds():
                return True
            yield Sleep(max(left, 0.0))

    def _note(self, seen: str, took_seconds: float, is_probe: bool, pause: float) -> Flow[None]:
        now, was_closed = limits.clock(), self._circuit.is_closed
        if pause and self._circuit.obey_retry_after(pause, now):
            yield from self._tell_open(is_news=was_closed)
        elif seen == "answer" and not pause and self._circuit.note_answer(was_probe=is_probe):
            ApiEvents.circuit_closed.log()
            yield from self._shared.close()
        elif seen == "failure" and self._circuit.note_failure(took_seconds, now, was_probe=is_probe):
            yield from self._tell_open(is_news=was_closed)
        elif is_probe:
            self._circuit.release_probe()
        if is_probe:
            yield from self._shared.release_probe()

    def _tell_open(self, *, is_news: bool) -> Flow[None]:
        seconds = self._circuit.open_seconds(limits.clock())
        if is_news:
            ApiEvents.circuit_opened.log(seconds=round(seconds))
        yield from self._shared.open(seconds)


def _as_attempt(flow: Flow[T | VoucherGatewayError]) -> Flow[Attempt[T]]:
    found = yield from flow
    return found, getattr(found, "retry_after_seconds", None)


def _patience(deadline: Deadline, visitor_seconds: float = 0.0) -> Deadline:
    """Return until when a call waits for its turn: two thirds of its time, or as long as a visitor may wait for it."""
    most = deadline.remaining_seconds() * 2 / 3
    return Deadline.after(most if is_patient() else min(visitor_seconds, most))
