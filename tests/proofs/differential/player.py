"""Playing a schedule on one engine: step by step, then sweeps alone until nothing is open."""

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass

from tests.proofs.differential.fates import Fates
from tests.proofs.differential.ledger import Ledger, operations_seen
from tests.proofs.differential.schedule import SLEEP, TICK, Schedule, Step

__all__ = ["Engine", "Played", "play"]

LULL = 18 * TICK
"""Seconds between two sweeps after the last step: more than an hour, so that each processes all that is open."""
MOST_SWEEPS = 60


class Engine(ABC):
    """What plays a schedule. One worker at a time, except that another one sweeps while one sleeps."""

    def __init__(self, schedule: Schedule, fates: Fates) -> None:
        self.schedule, self.fates = schedule, fates
        self.begun_at = 0.0
        """When the present step began."""
        self._may_sleep = False

    @abstractmethod
    def now(self) -> float:
        """Return the seconds since the schedule began."""

    @abstractmethod
    def advance_to(self, at: float) -> None:
        """Let time pass; what is under way lands."""

    @abstractmethod
    def do(self, step: Step) -> None:
        """Do what a step asks for, and let it end as it will."""

    @abstractmethod
    def make_due(self) -> None:
        """Let the next sweep process all that is open. When it would do so by itself is not compared before the end:
        for what was surely not sent, the shipped gateway waits longer from time to time, the simulation does not."""

    @abstractmethod
    def sweep(self) -> None:
        """Finish what is due, was abandoned, or is unknown."""

    @abstractmethod
    def is_open(self) -> bool:
        """Say whether an operation is not decided yet."""

    @abstractmethod
    def ledger(self) -> Ledger:
        """Return all that is compared."""

    def begin(self, step: Step) -> None:
        self.advance_to(step.at)
        self.begun_at, self._may_sleep = step.at, step.verb != "settle"
        self.fates.begin(step.name)

    def sleep(self) -> None:
        """Be a worker that sleeps for longer than its lease while another worker sweeps, once in a step."""
        if not self._may_sleep:
            return
        self._may_sleep = False
        self.advance_to(self.begun_at + SLEEP)
        name = self.fates.begin(f"{self.fates.step}, meanwhile")
        self.make_due()
        self.sweep()
        self.fates.begin(name)


@dataclass(frozen=True)
class Record:
    """How things stood after a step, and which calls it had taken."""

    name: str
    ledger: Ledger
    calls: list[str]


@dataclass(frozen=True)
class Played:
    """How a schedule went in one engine."""

    records: list[Record]
    ledger: Ledger
    seen: Counter[str]

    @property
    def ledgers(self) -> list[Ledger]:
        """The ledgers after each step, and at the end."""
        return [*(record.ledger for record in self.records), self.ledger]


def play(engine: Engine) -> Played:
    """Play the engine's schedule to its end."""
    records = []
    for step in engine.schedule.steps:
        engine.begin(step)
        engine.do(step)
        records.append(Record(step.name, engine.ledger(), engine.fates.entries()))
    engine.fates.begin("")
    at, sweeps = engine.schedule.ends_at, MOST_SWEEPS
    while sweeps:
        at += LULL
        engine.advance_to(at)
        engine.sweep()
        sweeps = sweeps - 1 if engine.is_open() else 0
    ledger = engine.ledger()
    return Played(records, ledger, engine.fates.seen + operations_seen(ledger))
