"""The sales of one day, drawn from its seed. ``python -m tests.proofs.simulation.sales.day SEED`` replays them."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.proofs.simulation.faults import Rates
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.remote import Behaviour
from tests.proofs.simulation.sales.calls import StatedFaults
from tests.proofs.simulation.sales.oracle import SaleJudgement, judge_sales
from tests.proofs.simulation.sales.parts import reduce_lines
from tests.proofs.simulation.sales.remote import SaleBehaviour, SaleRemote
from tests.proofs.simulation.sales.shop import SaleShop
from tests.proofs.simulation.sales.stories import Stories
from voucher_payment_gateway.rules.resolution import Tolerances

__all__ = ["Result", "SaleSetting", "play_sales"]

OPENING_HOURS = 3 * 3600
SETTLE_SECONDS = 24 * 3600
"""Maximum seconds after closing until every sale must be where the shop wants it."""
RUNGS = (
    ("recharge", "new_voucher"),
    ("new_voucher",),
    ("recharge",),
    ("new_voucher", "recharge", "manual"),
    ("recharge", "manual", "new_voucher"),
    ("manual",),
)


@dataclass(frozen=True)
class SaleSetting:
    """The parameters of the sales of a day; a mutant changes them."""

    shop: type[SaleShop] = SaleShop
    rates: Rates = field(default_factory=Rates)
    figures: Tolerances = field(default_factory=Tolerances)
    behaviour: dict[str, Any] = field(default_factory=dict)
    of_sales: dict[str, Any] = field(default_factory=dict)
    rungs: tuple[str, ...] | None = None
    orders: int = 1
    stories: type[Stories] = Stories


@dataclass(frozen=True)
class Result:
    """How the sales of a day ended."""

    seed: int
    judgement: SaleJudgement
    seen: Counter[str]
    story: list[tuple[Any, ...]]

    @property
    def is_wrong(self) -> bool:
        found = self.judgement
        return bool(found.wrong_cents or found.stuck or found.silent or found.wrong_vouchers)

    def __str__(self) -> str:
        found = "\n  ".join(self.judgement.problems) or "all is right"
        return f"sales of seed {self.seed} (again: python -m tests.proofs.simulation.sales.day {self.seed})\n  {found}"


def play_sales(seed: int, setting: SaleSetting | None = None) -> Result:
    """Play the sales of the day of ``seed``, from a random stream of their own."""
    return SaleDay(seed, setting or SaleSetting()).play()


class SaleDay:
    def __init__(self, seed: int, setting: SaleSetting) -> None:
        self.seed, self.setting = seed, setting
        self.random = random = Random(f"sales of {seed}")
        behaviour = Behaviour(**{**_fields(Behaviour.drawn(random)), **setting.behaviour})
        of_sales = SaleBehaviour(**{**_fields(SaleBehaviour.drawn(random, behaviour)), **setting.of_sales})
        self.seen: Counter[str] = Counter()
        self.injector = StatedFaults(random, setting.rates, self.seen)
        self.loop = self.injector.loop
        self.remote = SaleRemote(random, behaviour, of_sales, [random.choice((4000, 10000))])
        self.shop = setting.shop(self.remote, self.injector, setting.figures)
        self.shop.rungs = setting.rungs or random.choice(RUNGS)
        returns = Random(f"returns of {seed}")
        self.stories = setting.stories(self.shop, self.remote, random, returns, self.scheduled)

    def play(self) -> Result:
        for place in range(self.setting.orders):
            self.stories.sell(self.random.uniform(0, 3600), f"{2000 + place}")
        reduce_lines(self.stories, Random(f"parts of {self.seed}"))
        self.stories.fall_back(self.random.uniform(0, 3600), "3000")
        for shortest, longest in ((90, 270), (120, 360)):
            self._sweep_every(shortest, longest)
        self.loop.run(OPENING_HOURS)
        while self.loop.now < OPENING_HOURS + SETTLE_SECONDS and self._something_is_left():
            self.loop.run(self.loop.now + 1800)
        return self._judged()

    def _judged(self) -> Result:
        rows, seen, orders = self.shop.rows, self.seen, self.stories.orders
        operations = list(rows.operations.values())
        found = judge_sales(
            self.remote.vouchers,
            list(rows.payments.values()),
            operations,
            list(rows.sales.values()),
            orders,
            self.stories.wished_by_sale(),
        )
        seen["days"] += 1
        seen["operations"] += len(operations)
        seen["sales"] += len(rows.sales)
        seen["vouchers"] += sum(voucher.by is not None for voucher in self.remote.vouchers.values())
        seen["taken back"] += sum(sale.status == "taken_back" for sale in rows.sales.values())
        seen["recharges"] += sum(op.kind == "recharge" and op.state == "succeeded" for op in operations)
        seen["fallbacks"] += sum(bool(sale.replaces) for sale in rows.sales.values())
        seen["fallbacks"] += sum(op.kind == "recharge" and not op.sale_pk for op in operations)
        seen["manual"] += sum(operation.state == "manual" for operation in operations)
        seen["reviews"] += self.shop.reviews
        for name in ("wrong_cents", "wrong_vouchers", "stuck", "reported", "silent"):
            seen[name] += getattr(found, name)
        return Result(self.seed, found, seen, self.shop.story)

    def _something_is_left(self) -> bool:
        return self.loop.now < self.stories.latest or self.shop.has_open_sales()

    def scheduled(self, instant: float, process: Callable[[], Process | None]) -> None:
        """Begin a process at an instant, or do what ``process`` does and returns None for."""

        def begin() -> None:
            begun = process()
            if begun is not None:
                self.loop.spawn(begun, self.loop.now)

        self.loop.at(instant, begin)

    def _sweep_every(self, shortest: float, longest: float) -> None:
        def sweep() -> None:
            if self.shop.is_sweep_due():
                self.loop.spawn(self.shop.sweep(), self.loop.now)
            pause = self.random.uniform(shortest, longest)
            self.loop.at(self.loop.now + (pause if self.loop.now < OPENING_HOURS else 4 * pause), sweep)

        self.loop.at(self.random.uniform(0, longest), sweep)


def _fields(behaviour: Any) -> dict[str, Any]:
    return {name: getattr(behaviour, name) for name in behaviour.__slots__}


def main() -> int:
    result = play_sales(int(sys.argv[1]))
    for seconds, pk, kind, payment, what, more in result.story:
        of = f"of payment {payment}" if payment else "of a sale"
        print(f"{seconds:9.1f} s  operation {pk:3} ({kind} {of}): {what} {more}")
    print(*(f"{count:8} {what}" for what, count in sorted(result.seen.items())), sep="\n")
    print(result)
    return 1 if result.is_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
