"""One schedule, played through both engines and compared. ``python -m tests.proofs.differential.compare SEED`` plays
it again and prints it side by side."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.proofs.differential.fates import Fates
from tests.proofs.differential.ledger import differences
from tests.proofs.differential.player import Played, play
from tests.proofs.differential.schedule import Schedule, drawn
from tests.proofs.differential.simulated import Simulated

__all__ = ["Comparison", "compared", "play_shipped", "play_simulated", "smallest"]


@dataclass(frozen=True)
class Comparison:
    """How a schedule went in both engines."""

    schedule: Schedule
    simulated: Played
    shipped: Played

    @property
    def problems(self) -> list[str]:
        """What is not equal at the end, and after the first step that left something unequal."""
        at_the_end = differences(self.simulated.ledger, self.shipped.ledger)
        first = next(
            ([f"after {name}: {line}" for line in found] for name, found, _ in self._steps() if found), []
        )
        return [*first, *(f"at the end: {line}" for line in at_the_end)]

    def _steps(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield each step with what is not equal after it, and with the calls that both engines made."""
        for simulated, shipped in zip(self.simulated.records, self.shipped.records, strict=True):
            calls = [f"simulated: {', '.join(simulated.calls)}", f"shipped:   {', '.join(shipped.calls)}"]
            yield simulated.name, differences(simulated.ledger, shipped.ledger), calls

    def story(self) -> str:
        """Tell what was asked for, which calls it took, and what was not equal afterwards."""
        lines = [str(self.schedule.behaviour), *map(str, self.schedule.orders)]
        for step, (_, found, calls) in zip(self.schedule.steps, self._steps(), strict=True):
            lines += [str(step), *(f"    {line}" for line in [*calls, *found])]
        return "\n".join(lines)

    def __str__(self) -> str:
        seed = self.schedule.seed
        found = "\n  ".join(self.problems) or "both are equal"
        return f"seed {seed} (again: python -m tests.proofs.differential.compare {seed})\n  {found}"


def compared(schedule: Schedule) -> Comparison:
    """Play a schedule through both engines."""
    return Comparison(schedule, play_simulated(schedule), play_shipped(schedule))


def play_simulated(schedule: Schedule) -> Played:
    return play(Simulated(schedule, _fates(schedule)))


def play_shipped(schedule: Schedule) -> Played:
    from tests.proofs.differential.shipped import shipped

    with shipped(schedule, _fates(schedule)) as engine:
        return play(engine)


def _fates(schedule: Schedule) -> Fates:
    return Fates(schedule.seed, schedule.fault_rate, schedule.worker_rate)


def smallest(schedule: Schedule) -> Comparison:
    """Leave out steps as long as the engines still differ, and return the comparison of what is left."""
    number = 0
    while number < len(schedule.steps):
        fewer = replace(schedule, steps=schedule.steps[:number] + schedule.steps[number + 1 :])
        if compared(fewer).problems:
            schedule = fewer
        else:
            number += 1
    return compared(schedule)


def main() -> int:
    from tests.proofs.storm.bench import database

    with database():
        comparison = compared(drawn(int(sys.argv[1])))
        if comparison.problems:
            print(comparison, "\nThe fewest of its steps that differ:", sep="")
            comparison = smallest(comparison.schedule)
    print(comparison.story(), comparison, sep="\n")
    return 1 if comparison.problems else 0


if __name__ == "__main__":
    sys.exit(main())
