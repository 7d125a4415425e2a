"""The orders of one day, drawn from a seed and followed for weeks.

``python -m tests.proofs.orders.day SEED`` replays them.
"""

import sys
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.proofs.orders.buying import DAY, HOUR, MINUTE
from tests.proofs.orders.holds import Options
from tests.proofs.orders.lives import Life, try_odd_order
from tests.proofs.orders.oracle import Judgement, judge
from tests.proofs.orders.remote import RefusalError, Remote, cents
from tests.proofs.orders.restore import COPY, PUT_BACK, Restore
from tests.proofs.orders.shop import Shop
from tests.proofs.orders.sweep import Gateway
from tests.proofs.simulation.loop import Loop

__all__ = ["Result", "Setting", "play"]

VOUCHERS, ORDERS = 6, 9
SWEEPS = (2 * MINUTE, 11 * MINUTE, 26 * MINUTE, 37 * MINUTE)
LAST_DAY = 120 * DAY
"""When the last order's code is erased, and the last status was looked at."""


@dataclass(frozen=True)
class Setting:
    """The parameters of a day; a mutant changes them."""

    gateway: type[Gateway] = Gateway
    options: tuple[tuple[str, Any], ...] = ()
    restores: float = 0.12
    tills: float = 0.35
    together: float = 0.08
    reuses: float = 0.3


@dataclass(frozen=True)
class Result:
    """How a day ended."""

    seed: int
    judgement: Judgement
    seen: Counter[str]
    story: list[str]

    @property
    def is_wrong(self) -> bool:
        return self.judgement.is_wrong

    def __str__(self) -> str:
        found = "\n  ".join(self.judgement.problems) or "all is right"
        return f"seed {self.seed} (again: python -m tests.proofs.orders.day {self.seed})\n  {found}"


def play(seed: int, setting: Setting | None = None) -> Result:
    """Play the day of ``seed``."""
    return Day(seed, setting or Setting()).play()


class Day:
    def __init__(self, seed: int, setting: Setting) -> None:
        self.seed, self.setting = seed, setting
        self.random = random = Random(seed)
        options = replace(_drawn(random), **dict(setting.options))
        self.loop = Loop(lambda: None)
        unit = cents(options.unit)
        balances = [random.choice((1000, 3000, 5000, 8000, 8050)) * unit for _ in range(VOUCHERS)]
        self.remote = Remote(
            balances,
            open_hold_lowers_balance=options.open_hold_lowers_balance,
            release_works=random.random() < 0.3,
            refund_limit_shrinks=random.random() < 0.5,
        )
        self.shop = Shop(setting.gateway, self.remote, options, lambda: self.loop.now)
        self.seen: Counter[str] = Counter()
        self.restored = random.choice((COPY, COPY, PUT_BACK)) if random.random() < setting.restores else ""
        self.lives: list[Life] = []
        self.uid = 0
        self.next_sweep_at = 0.0

    def play(self) -> Result:
        random = self.random
        for _ in range(ORDERS):
            soon = random.random() < 0.7
            self._order_at(random.uniform(0, 3 * HOUR) if soon else random.uniform(0, 25 * DAY))
        if random.random() < 0.2:
            self.loop.at(random.uniform(0, DAY), self._odd_order)
        for voucher_id in self.remote.vouchers:
            if random.random() < self.setting.tills:
                self.loop.at(random.uniform(0, 35 * DAY), lambda v=voucher_id: self._till(v))  # type: ignore[misc]
            if random.random() < 0.02:
                self.loop.at(random.uniform(0, 30 * DAY), lambda v=voucher_id: self._deactivate(v))  # type: ignore[misc]
        if self.restored:
            restore = Restore(self.restored, self.shop, random, self._at)
            if random.random() < 0.5:
                self.shop.at_crash = restore.take
            else:
                self.loop.at(random.uniform(0, 20 * DAY), restore.take)
        self._sweep_now_and_then()
        self.loop.run(LAST_DAY)
        for _ in range(2):
            self.shop.gateway.settle()
        return self._judged()

    def _judged(self) -> Result:
        stories = list(self.shop.stories.values())
        found = judge(self.remote.vouchers.values(), stories, cents(self.shop.options.unit))
        seen = self.seen
        seen["days"] += 1
        seen["calls"] += self.remote.calls
        seen["orders"] += len(stories)
        seen["shipped"] += sum(story.shipped_at is not None for story in stories)
        seen["collected otherwise"] += sum(story.other_in > 0 for story in stories)
        seen["crashes"] += self.shop.crashes
        seen["restores"] += not self.shop.is_alone
        seen["deleted"] += self.shop.deleted
        seen["unpaid and told"] += found.unpaid_and_told
        seen["unpaid in silence"] += found.unpaid_in_silence
        seen["paid twice"] += found.paid_twice
        seen["given back twice"] += found.given_back_twice
        seen["refused without reason"] += found.without_reason
        return Result(self.seed, found, seen, self.shop.log)

    # orders

    def _order_at(self, instant: float, number: str = "") -> None:
        self.uid += 1
        partly = self.restored == PUT_BACK or (self.restored == COPY and not self.shop.options.instance)
        life = Life(
            self.shop,
            self.random,
            self._at,
            self.uid,
            number or f"{1000 + self.uid}",
            whole_returns=partly,
            reuse=self._reuse,
        )
        vouchers = self.random.sample(list(self.remote.vouchers)[:4], 2 if self.random.random() < 0.25 else 1)
        if self.random.random() < 0.06:
            vouchers = []
        self.lives.append(life)
        self.loop.at(instant, lambda: self._step(lambda: life.begin(vouchers)))
        if self.random.random() < self.setting.together:
            self.loop.at(instant + MINUTE, lambda: self._together(life))

    def _reuse(self, number: str) -> None:
        """Another order gets the number of one that was deleted."""
        if self.random.random() < self.setting.reuses:
            self._order_at(self.loop.now + self.random.uniform(MINUTE, DAY), number)

    def _at(self, delay: float, step: Any) -> None:
        self.loop.at(self.loop.now + delay, lambda: self._step(step))

    def _step(self, step: Any) -> None:
        step()
        self._sweep_soon()

    def _together(self, life: Life) -> None:
        """Another order is confirmed between the read and the write of this one's confirmation."""
        others = [
            other
            for other in self.lives
            if other is not life and other.uid in self.shop.stories and not other.story.is_confirmed
        ]
        if others and life.uid in self.shop.stories:
            other = self.random.choice(others)
            self.shop.gateway.between.append(lambda: other.confirm())
            self._step(life.confirm)
            self.shop.gateway.between.clear()

    def _odd_order(self) -> None:
        self.uid += 1
        try_odd_order(self.shop, self.uid, f"odd-{self.uid}", self.random)

    # others

    def _till(self, voucher_id: str) -> None:
        """A till of another shop reserves, which replaces our reservation, and charges, or does not."""
        voucher = self.remote.vouchers[voucher_id]
        amount = self.random.randint(1, max(voucher.balance // cents(self.shop.options.unit), 1)) * cents(
            self.shop.options.unit
        )
        try:
            hold = self.remote.reserve(self.loop.now, voucher_id, amount, None)
        except RefusalError:
            return
        self.shop.note(f"a till holds {amount} of {voucher_id}")
        if self.random.random() < 0.6:
            self.loop.at(
                self.loop.now + self.random.uniform(10, 10 * MINUTE), lambda: self._till_charges(hold.id)
            )

    def _till_charges(self, hold_id: str) -> None:
        try:
            row = self.remote.charge(self.loop.now, hold_id, "till", "till", None)
        except RefusalError:
            return
        self.seen["till charges"] += 1
        self.shop.note(f"a till charged {row.cents}")

    def _deactivate(self, voucher_id: str) -> None:
        self.remote.vouchers[voucher_id].is_active = False
        self.shop.note(f"{voucher_id} is deactivated")

    # settle

    def _sweep_soon(self) -> None:
        """Sweep a few minutes after each step, when holds are to be renewed, and when they have ended."""
        for delay in self.random.sample(SWEEPS, 2):
            self.loop.at(self.loop.now + delay, self._sweep)

    def _sweep(self) -> None:
        if self.loop.now < self.next_sweep_at:
            return
        self.next_sweep_at = self.loop.now + MINUTE
        self.seen["sweeps"] += 1
        self.shop.gateway.settle()

    def _sweep_now_and_then(self) -> None:
        self._sweep()
        self.loop.at(self.loop.now + self.random.uniform(DAY, 5 * DAY), self._sweep_now_and_then)


def _drawn(random: Random) -> Options:
    return Options(
        by_status=random.random() < 0.45,
        after_return=random.choice(("stays", "lowered")),
        renews=random.random() < 0.4,
        keeps_codes=random.random() < 0.8,
        open_hold_lowers_balance=random.random() < 0.4,
        currency="JPY" if random.random() < 0.2 else "EUR",
        instance="live" if random.random() < 0.4 else "",
        refund_order=random.choice(("last-first", "first-first", "pro-rata")),
    )


def main() -> int:
    result = play(int(sys.argv[1]))
    print(*result.story, sep="\n")
    print(result)
    return 1 if result.is_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
