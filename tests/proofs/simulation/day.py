"""One day of a shop, drawn from a seed. ``python -m tests.proofs.simulation.day SEED`` replays it."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.proofs.simulation.faults import FaultInjector, Rates
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.oracle import Judgement, judge
from tests.proofs.simulation.remote import Behaviour, Remote, euros
from tests.proofs.simulation.shop import Shop
from tests.proofs.simulation.till_and_clerk import Clerk, Till
from voucher_payment_gateway.rules.resolution import Tolerances

__all__ = ["Result", "Setting", "play"]

OPENING_HOURS = 4 * 3600
SETTLE_SECONDS = 60 * 3600
"""Maximum seconds after closing until everything must be decided, and read a last time."""
ORDERS = 30
NUMBERS = [f"{number}" for number in range(1000, 1012)] + ["10010", "10011", "1001-1", "1001-2", "1002-1"]
AMOUNTS = (100, 500, 500, 1000, 1000, 2500, 4999)


@dataclass(frozen=True)
class Setting:
    """The parameters of a day; a mutant changes them."""

    shop: type[Shop] = Shop
    rates: Rates = field(default_factory=Rates)
    figures: Tolerances = field(default_factory=Tolerances)
    behaviour: dict[str, Any] = field(default_factory=dict)
    clerk_visits: float = 0.3
    vouchers: int = 7
    cancels: float = 0.2


@dataclass(frozen=True)
class Result:
    """How a day ended."""

    seed: int
    judgement: Judgement
    seen: Counter[str]
    story: list[tuple[Any, ...]]

    @property
    def is_wrong(self) -> bool:
        found = self.judgement
        return bool(found.wrong_cents or found.stuck or found.silent)

    def __str__(self) -> str:
        found = "\n  ".join(self.judgement.problems) or "all is right"
        return f"seed {self.seed} (again: python -m tests.proofs.simulation.day {self.seed})\n  {found}"


def play(seed: int, setting: Setting | None = None) -> Result:
    """Play the day of ``seed``."""
    return Day(seed, setting or Setting()).play()


class Day:
    def __init__(self, seed: int, setting: Setting) -> None:
        self.seed, self.setting = seed, setting
        self.random = random = Random(seed)
        drawn = Behaviour.drawn(random)
        behaviour = Behaviour(**{**_fields(drawn), **setting.behaviour})
        self.seen: Counter[str] = Counter()
        self.injector = FaultInjector(random, setting.rates, self.seen)
        self.loop = self.injector.loop
        self.remote = Remote(
            random, behaviour, [random.choice((4000, 10000, 30000, 60000)) for _ in range(setting.vouchers)]
        )
        self.shop = setting.shop(self.remote, self.injector, setting.figures)

    def play(self) -> Result:
        for _ in range(ORDERS):
            self._order(self.random.uniform(0, OPENING_HOURS))
        for shortest, longest in ((90, 270), (120, 360)):
            self._sweep_every(shortest, longest)
        self._schedule_till_and_clerk()
        self.loop.run(OPENING_HOURS)
        while self.loop.now < OPENING_HOURS + SETTLE_SECONDS and self._something_is_left():
            self.loop.run(self.loop.now + 3600)
        return self._judged()

    def _judged(self) -> Result:
        rows = self.shop.rows
        operations = list(rows.operations.values())
        found = judge(self.remote.vouchers.values(), rows.payments.values(), operations)
        self.seen["days"] += 1
        self.seen["operations"] += len(operations)
        self.seen["manual"] += sum(operation.state == "manual" for operation in operations)
        self.seen["repeated"] += sum(operation.attempts > 1 for operation in operations)
        self.seen["reviews"] += self.shop.reviews
        for name in ("wrong_cents", "stuck", "reported", "silent", "foreign"):
            self.seen[name] += getattr(found, name)
        return Result(self.seed, found, self.seen, self.shop.story)

    def _something_is_left(self) -> bool:
        rows = self.shop.rows
        return bool(rows.open or rows.to_reread) or self.loop.now < OPENING_HOURS + 3 * 3600

    def _order(self, opened_at: float) -> None:
        """Schedule the checkout of an order."""
        random, number = self.random, self.random.choice(NUMBERS)
        several = random.random() < 0.1 and self.setting.vouchers > 1
        vouchers = random.sample(list(self.remote.vouchers), 2 if several else 1)
        self._scheduled(opened_at, lambda: (self._checkout(number, voucher) for voucher in vouchers))

    def _checkout(self, number: str, voucher: str) -> Process:
        """Pay with a voucher: often with all of its balance, as customers do."""
        there = self.remote.vouchers[voucher].balance
        cents = self.random.choice(AMOUNTS)
        if 0 < there <= cents * 2 or (0 < there <= 10000 and self.random.random() < 0.3):
            cents = there
        amount = euros(cents)
        pk = yield from self.shop.authorize(number, voucher, amount)
        if pk is not None:
            self._plan(pk, amount)

    def _plan(self, pk: int, amount: Any) -> None:
        """Draw what happens to a payment later; each action is a process of its own."""
        random, now, shop = self.random, self.loop.now, self.shop
        part = euros(random.randint(1, int(amount * 100))) if random.random() < 0.25 else None
        late = random.random() < 0.15
        shipped_at = now + (random.uniform(1700, 3960) if late else random.uniform(1, 300))
        for _ in range(2 if random.random() < 0.15 else 1):  # a double click
            self._scheduled(shipped_at + random.uniform(0, 2), lambda: [shop.capture(pk, part)])
        if part and random.random() < 0.5:  # the rest is shipped later
            self._scheduled(shipped_at + random.uniform(10, 3000), lambda: [shop.capture(pk, amount - part)])
        if random.random() < 0.35:
            returned_at = shipped_at + random.uniform(5, 5000)
            back = euros(random.choice((100, 100, 250))) if random.random() < 0.7 else None
            for _ in range(random.choice((1, 2, 2))):  # equal refunds
                returned_at += random.uniform(1, 1500)
                self._scheduled(returned_at, lambda: [shop.refund(pk, back)])
        if random.random() < self.setting.cancels:
            soon = shipped_at + random.uniform(0, 600)
            cancelled_at = random.choice((soon, now + random.uniform(0, 6000)))
            self._scheduled(cancelled_at, lambda: [shop.cancel(pk)])

    def _scheduled(self, instant: float, processes: Callable[[], Any]) -> None:
        def begin() -> None:
            for process in processes():
                self.loop.spawn(process, self.loop.now)

        self.loop.at(instant, begin)

    def _sweep_every(self, shortest: float, longest: float) -> None:
        def sweep() -> None:
            if self.shop.rows.open or self.shop.rows.to_reread or self.shop.rows.cancel_requests:
                self.loop.spawn(self.shop.sweep(), self.loop.now)
            self.loop.at(self.loop.now + self.random.uniform(shortest, longest), sweep)

        self.loop.at(self.random.uniform(0, longest), sweep)

    def _schedule_till_and_clerk(self) -> None:
        random, loop = self.random, self.loop
        till = Till(random, self.remote, self.shop.rows, self.seen)
        clerk = Clerk(random, self.remote, self.shop.rows, self.seen)
        for _ in range(OPENING_HOURS // 400):
            at = random.uniform(0, OPENING_HOURS)
            loop.at(at, lambda: loop.spawn(till.serve(loop), loop.now))
        visits = int(self.setting.clerk_visits) + (random.random() < self.setting.clerk_visits % 1)
        for _ in range(visits):
            loop.at(random.uniform(0, OPENING_HOURS), lambda: clerk.refund(loop.now))


def _fields(behaviour: Behaviour) -> dict[str, Any]:
    return {name: getattr(behaviour, name) for name in behaviour.__slots__}


def main() -> int:
    result = play(int(sys.argv[1]))
    for seconds, pk, kind, payment, what, more in result.story:
        print(f"{seconds:9.1f} s  operation {pk:3} ({kind} of payment {payment}): {what} {more}")
    print(*(f"{count:8} {what}" for what, count in sorted(result.seen.items())), sep="\n")
    print(result)
    return 1 if result.is_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
