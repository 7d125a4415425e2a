"""What becomes of each call and of the worker that makes it, keyed by the call: both engines meet the same fate.

A key is the step, the kind of call, the voucher, and how many such calls that step has made before. So a call that only
one of the engines makes shifts no fate of another call.
"""

from collections import Counter
from dataclasses import dataclass
from random import Random

__all__ = ["ARRIVES", "Crash", "Fate", "Fates"]

ARRIVES = ("", "answer_lost", "broken_after", "redirected")
"""The request is processed at once; what is ``late`` is processed after its caller gave up."""
FAULTS = ("not_sent", "lost", "answer_lost", "broken_before", "broken_after", "redirected", "throttled")
MOVING = (*FAULTS, "refused", "late", "late")
KINDS = {"list": FAULTS, "reserve": MOVING, "charge": MOVING, "refund": MOVING, "release": MOVING}
"""A read that is refused is left out: the simulation's Voucher Cloud shows its bookings to everybody."""
WORKER = ("crash_before", "crash_after", "crash_after", "sleep_after")
WRITES = {"reserve": 3, "charge": 2, "refund": 2}
"""How many statements write down an answer, all of them in one transaction: it makes no difference ahead of which one
the worker crashes."""
LATENESS = (204, 409, 614, 819)
"""Seconds after the beginning of a step: ahead of a later one, and sooner than a refund is repeated."""
APART = 20.0
"""Seconds by which a request may land sooner than that: no two land at the same instant, in whatever order."""


class Crash(Exception):  # noqa: N818  no error: the process ends
    """The process of one worker ends here. In a sweep every operation has a worker of its own."""


@dataclass(frozen=True)
class Fate:
    """``fault`` is what becomes of the request; ``worker`` what becomes of the process: numbered crash points are
    "before it is sent" and "after it was answered", ahead of the ``write``-th statement."""

    fault: str = ""
    worker: str = ""
    write: int = 1
    lands_after: float = 0


OK = Fate()


class Fates:
    """The fates of one schedule, for one engine. ``seen`` counts them."""

    def __init__(self, seed: int, fault_rate: float, worker_rate: float) -> None:
        self.seed, self.fault_rate, self.worker_rate = seed, fault_rate, worker_rate
        self.seen: Counter[str] = Counter()
        self.step = ""
        self._log: list[str] = []
        self._calls: Counter[tuple[str, str, int]] = Counter()

    def begin(self, step: str) -> str:
        """Let the calls from now on belong to ``step``; return the step before. In the empty one nothing fails."""
        before, self.step = self.step, step
        return before

    def entries(self) -> list[str]:
        """Return the calls since the last time, each with its fate."""
        entries, self._log = self._log, []
        return entries

    def of(self, kind: str, voucher: int) -> Fate:
        """Return the fate of the call that is made now."""
        key = (self.step, kind, voucher)
        self._calls[key] += 1
        self.seen["calls"] += 1
        fate = self._drawn(f"{self.seed} {key} {self._calls[key]}", kind) if self.step else OK
        for what in filter(None, (fate.fault and "faults", fate.worker.partition("_")[0])):
            self.seen[what] += 1
        self._log.append(f"{kind} v{voucher}: {fate.fault or fate.worker or 'ok'}")
        return fate

    def _drawn(self, key: str, kind: str) -> Fate:
        random = Random(key)
        drawn = random.random()
        if drawn < self.fault_rate:
            return Fate(
                fault=random.choice(KINDS[kind]),
                lands_after=random.choice(LATENESS) - random.uniform(0, APART),
            )
        if drawn < self.fault_rate + self.worker_rate:
            return Fate(worker=random.choice(WORKER), write=random.randint(1, WRITES.get(kind, 1)))
        return OK
