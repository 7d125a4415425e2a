"""The fault injector: requests are lost, late or duplicated, processes crash or stall.

Which error a failure is to the client is not modelled: the package's own ``api._interpret`` decides it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.proofs.simulation.loop import Loop, Process
from tests.proofs.simulation.remote import RefusalError
from voucher_payment_gateway.api import _calls
from voucher_payment_gateway.api._interpret import interpret
from voucher_payment_gateway.api._steps import Answer, Failure
from voucher_payment_gateway.exceptions import VoucherGatewayError

__all__ = ["DEADLINE_SECONDS", "FaultInjector", "Rates"]

DEADLINE_SECONDS = 15.0
"""The timeout of a call."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Fault rates: per call, and per step of a process."""

    not_sent: float = 0.02
    lost: float = 0.03
    answer_lost: float = 0.025
    late: float = 0.02
    broken_before: float = 0.0075
    broken_after: float = 0.0075
    redirected: float = 0.002
    throttled: float = 0.003
    doubled: float = 0.0
    """An intermediary duplicates the request, up to ``latest`` seconds later: this breaks an assumption."""
    crash: float = 0.01
    stall: float = 0.002
    latest: float = 600.0
    """Maximum seconds in flight after the timeout of the caller."""
    stalled: float = 3600.0

    def faults(self) -> list[tuple[float, str]]:
        """Return the kinds of faults with their cumulated rates."""
        kinds = (
            "not_sent",
            "lost",
            "answer_lost",
            "late",
            "broken_before",
            "broken_after",
            "redirected",
            "throttled",
        )
        ends, end = [], 0.0
        for kind in kinds:
            end += getattr(self, kind)
            ends.append((end, kind))
        return ends


REFUSED = Answer(422, b'{"status": 422, "code": "NO", "message": "no"}')
THROTTLED = Answer(429, b'{"status": 429, "code": "SLOW", "message": "slow down"}', "3")
NO_ANSWER = Failure(True, "ReadError")
OUTCOMES = {
    "not_sent": Failure(False, "ConnectError"),
    "lost": Failure(True, "ReadTimeout"),
    "answer_lost": NO_ANSWER,
    "late": Failure(True, "ReadTimeout"),
    "broken_before": Answer(500, b""),
    "broken_after": Answer(502, b"<html>"),
    "redirected": Answer(307, b""),
    "throttled": THROTTLED,
    "refused": REFUSED,
    "truncated": Answer(200, b'{"data": [{"id": "b'),
}
MOVING, READING = (
    _calls.charge("h", "n"),
    _calls.list_voucher_charges("v", created_from=None, created_to=None, order_number=None, per_page=None),
)


def _error(call: Any, kind: str) -> type[VoucherGatewayError]:
    error = interpret(call, OUTCOMES[kind], {})
    assert isinstance(error, VoucherGatewayError)
    return type(error)


WHEN_MOVING = {kind: _error(MOVING, kind) for kind in OUTCOMES}
WHEN_READING = {kind: _error(READING, kind) for kind in OUTCOMES}
NEVER_ARRIVES = ("not_sent", "lost", "broken_before", "throttled")
WAITS = ("lost", "late")


class Reply:
    """The answer of a request, once it has arrived."""

    __slots__ = ("answered", "refused", "value")

    def __init__(self) -> None:
        self.answered = self.refused = False
        self.value: Any = None


class FaultInjector:
    """Delivers requests except for the lost ones, and lets processes crash or stall."""

    def __init__(self, random: Random, rates: Rates, seen: Counter[str]) -> None:
        self.random = random
        self.rates = rates
        self.seen = seen
        self.loop = Loop(self._before_step)
        self._faults = rates.faults()

    def call(
        self,
        process: Callable[[float], Any],
        *,
        moving: bool = True,
        finish: Callable[[Any], Any] | None = None,
    ) -> Process:
        """Send a request and wait for its answer; return it, or raise the error that the package would raise.

        ``process`` runs when the request arrives; ``finish`` with its result, perhaps seconds later. A sent request
        arrives even if the process that sent it crashes.
        """
        self.seen["calls"] += 1
        kind, reply = self._fault(), Reply()
        if kind not in NEVER_ARRIVES:
            self._deliver(process, finish, reply, late=kind == "late")
        if kind == "":
            yield from self._wait_for(reply)
            if not reply.answered:
                kind = "answer_lost"
        else:
            self.seen["faults"] += 1
            yield DEADLINE_SECONDS if kind in WAITS else 0.3
        if reply.refused and not kind:
            kind = "refused"
        if kind:
            raise (WHEN_MOVING if moving else WHEN_READING)[kind](code=kind)
        return reply.value

    def _wait_for(self, reply: Reply) -> Process:
        yield 0.3
        for _ in range(10):
            if reply.answered:
                return
            yield 1.4

    def _deliver(
        self,
        process: Callable[[float], Any],
        finish: Callable[[Any], Any] | None,
        reply: Reply,
        *,
        late: bool,
    ) -> None:
        random, loop = self.random, self.loop
        loop.at(
            loop.now + (random.uniform(1, self.rates.latest) if late else 0.1),
            lambda: self._arrive(process, finish, reply),
        )
        if self.rates.doubled and random.random() < self.rates.doubled:
            again = loop.now + random.uniform(0.2, self.rates.latest)
            loop.at(again, lambda: self._arrive(process, finish, Reply()))

    def _arrive(
        self, process: Callable[[float], Any], finish: Callable[[Any], Any] | None, reply: Reply
    ) -> None:
        def done(do: Callable[[], Any]) -> None:
            try:
                reply.value = do()
            except RefusalError:
                reply.refused = True
            reply.answered = True

        if finish is None:
            done(lambda: process(self.loop.now))
            return
        try:
            begun = process(self.loop.now)
        except RefusalError:
            reply.refused = reply.answered = True
            return
        delay = self.random.uniform(0, 5)
        self.loop.at(self.loop.now + delay, lambda: done(lambda: finish(begun)))

    def _fault(self) -> str:
        drawn = self.random.random()
        if drawn >= self._faults[-1][0]:
            return ""
        return next(kind for end, kind in self._faults if drawn < end)

    def _before_step(self) -> float | None:
        drawn = self.random.random()
        if drawn < self.rates.crash:
            self.seen["crashes"] += 1
            return None
        if drawn < self.rates.crash + self.rates.stall:
            self.seen["stalls"] += 1
            return self.random.random() * self.rates.stalled
        return 0.0
