"""What goes wrong: on the way of a request, and with the processes of the shop.

What a failure means to the client is not made up here: it is asked of the package's own ``api._interpret``.
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

__all__ = ["DEADLINE_SECONDS", "Rates", "Weather"]

DEADLINE_SECONDS = 15.0
"""So long a caller waits for an answer."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often what happens: per call, and per step of a process."""

    not_sent: float = 0.02
    lost: float = 0.03
    answer_lost: float = 0.025
    late: float = 0.02
    broken_before: float = 0.0075
    broken_after: float = 0.0075
    redirected: float = 0.002
    throttled: float = 0.003
    doubled: float = 0.0
    """A box on the way sends the request a second time, up to ``latest`` seconds later: an assumption broken."""
    crash: float = 0.01
    stall: float = 0.002
    latest: float = 600.0
    """Seconds for which a request may be under way after its caller has given up."""
    stalled: float = 3600.0

    def faults(self) -> list[tuple[float, str]]:
        """Return the kinds of faults with the upper ends of their shares of all calls."""
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


class Letter:
    """The answer of one request, once there is one."""

    __slots__ = ("answered", "refused", "value")

    def __init__(self) -> None:
        self.answered = self.refused = False
        self.value: Any = None


class Weather:
    """Carries requests, loses some of them, and lets processes crash or freeze."""

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
        """Send a request and wait for its answer; return it, or raise what the package makes of it.

        ``process`` is done when it arrives; ``finish`` with its result, perhaps seconds later. What has left is on its
        way, whatever becomes of the process that sent it.
        """
        self.seen["calls"] += 1
        kind, letter = self._fault(), Letter()
        if kind not in NEVER_ARRIVES:
            self._deliver(process, finish, letter, late=kind == "late")
        if kind == "":
            yield from self._wait_for(letter)
            if not letter.answered:
                kind = "answer_lost"
        else:
            self.seen["faults"] += 1
            yield DEADLINE_SECONDS if kind in WAITS else 0.3
        if letter.refused and not kind:
            kind = "refused"
        if kind:
            raise (WHEN_MOVING if moving else WHEN_READING)[kind](code=kind)
        return letter.value

    def _wait_for(self, letter: Letter) -> Process:
        yield 0.3
        for _ in range(10):
            if letter.answered:
                return
            yield 1.4

    def _deliver(
        self,
        process: Callable[[float], Any],
        finish: Callable[[Any], Any] | None,
        letter: Letter,
        *,
        late: bool,
    ) -> None:
        random, loop = self.random, self.loop
        loop.at(
            loop.now + (random.uniform(1, self.rates.latest) if late else 0.1),
            lambda: self._arrive(process, finish, letter),
        )
        if self.rates.doubled and random.random() < self.rates.doubled:
            again = loop.now + random.uniform(0.2, self.rates.latest)
            loop.at(again, lambda: self._arrive(process, finish, Letter()))

    def _arrive(
        self, process: Callable[[float], Any], finish: Callable[[Any], Any] | None, letter: Letter
    ) -> None:
        def done(do: Callable[[], Any]) -> None:
            try:
                letter.value = do()
            except RefusalError:
                letter.refused = True
            letter.answered = True

        if finish is None:
            done(lambda: process(self.loop.now))
            return
        try:
            begun = process(self.loop.now)
        except RefusalError:
            letter.refused = letter.answered = True
            return
        dawdle = self.random.uniform(0, 5)
        self.loop.at(self.loop.now + dawdle, lambda: done(lambda: finish(begun)))

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
