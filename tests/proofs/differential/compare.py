"""One schedule, played through both engines and compared. ``python -m tests.proofs.differential.compare SEED`` plays
it again and prints it side by side."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.proofs.differential.amended import AmendedShop
from tests.proofs.differential.fates import Fates
from tests.proofs.differential.ledger import differences
from tests.proofs.differential.player import Played, play
from tests.proofs.differential.schedule import Schedule, drawn
from tests.proofs.differential.simulated import Simulated

__all__ = ["Comparison", "compared", "smallest"]


@dataclass(frozen=True)
class Comparison:
    """How a schedule ended in both engines."""

    schedule: Schedule
    simulated: Played
    shipped: Played

    @property
    def problems(self) -> list[str]:
        """What is not equal at the end, and after which step something was not equal for the first time."""
        found = differences(self.simulated.ledger, self.shipped.ledger)
        return [*found, f"first after step {self._first()}"] if found else []

    @property
    def seen(self) -> Counter[str]:
        return self.shipped.seen

    def _first(self) -> str:
        return next((name for name, found, _ in self._steps() if found), "none: only the sweeps afterwards")

    def _steps(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield each step with what is not equal after it, and with the calls that both made."""
        for ours, theirs in zip(self.simulated.records, self.shipped.records, strict=True):
            calls = [f"simulated {', '.join(ours.calls)}", f"shipped   {', '.join(theirs.calls)}"]
            yield ours.name, differences(ours.ledger, theirs.ledger), calls

    def story(self) -> str:
        """Tell what was asked for, which calls it took, and what differed."""
        lines = [f"{self.schedule.behaviour}", f"{self.schedule.orders}, {self.schedule.balances} cents"]
        for step, (_, found, calls) in zip(self.schedule.steps, self._steps(), strict=False):
            lines += [f"{step.at:6} s {step}", *(f"    {each}" for each in [*calls, *found])]
        return "\n".join(lines)

    def __str__(self) -> str:
        seed = self.schedule.seed
        found = "\n  ".join(self.problems) or "both are equal"
        return f"seed {seed} (again: python -m tests.proofs.differential.compare {seed})\n  {found}"


def compared(schedule: Schedule, shop: type[AmendedShop] = AmendedShop) -> Comparison:
    """Play a schedule through both engines."""
    from tests.proofs.differential.shipped import shipped

    ours, theirs = (Fates(schedule.seed, schedule.fault_rate, schedule.worker_rate) for _ in range(2))
    simulated = play(Simulated(schedule, ours, shop))
    with shipped(schedule, theirs) as engine:
        return Comparison(schedule, simulated, play(engine))


def smallest(schedule: Schedule, shop: type[AmendedShop] = AmendedShop) -> Comparison:
    """Leave steps out as long as both engines still differ, and return what is left."""
    number = 0
    while number < len(schedule.steps):
        steps = schedule.steps[:number] + schedule.steps[number + 1 :]
        fewer = replace(schedule, steps=steps)
        if compared(fewer, shop).problems:
            schedule = fewer
        else:
            number += 1
    return compared(schedule, shop)


def main() -> int:
    from tests.proofs.storm.bench import database

    with database():
        comparison = compared(drawn(int(sys.argv[1])))
        if comparison.problems:
            comparison = smallest(comparison.schedule)
    print(comparison.story())
    print(comparison)
    return 1 if comparison.problems else 0


if __name__ == "__main__":
    sys.exit(main())
