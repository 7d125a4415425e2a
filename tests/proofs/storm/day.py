"""One day of a shop, drawn from a seed. ``python -m tests.proofs.storm.day SEED`` replays it."""

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal as D
from random import Random
from typing import Any

from tests.proofs.storm.emphasis import NO_EMPHASIS, Emphasis

__all__ = ["Result", "no_rows", "play", "quiet", "storm"]

MORNING = datetime(2026, 6, 1, 8, tzinfo=UTC)
PAUSES = (1, 1, 5, 40, 70, 70, 300, 1000, 2000)


@dataclass(frozen=True)
class Result:
    """How a day ended."""

    seed: int
    problems: list[str]
    story: list[str]
    seen: Counter[str]

    def __str__(self) -> str:
        found = "\n  ".join(self.problems) or "all is right"
        return f"seed {self.seed} (again: python -m tests.proofs.storm.day {self.seed})\n  {found}"


def play(seed: int, emphasis: Emphasis = NO_EMPHASIS) -> Result:
    """Play the day of ``seed``, and delete its rows."""
    from tests.proofs.storm.counts import counted
    from tests.proofs.storm.judge import judge
    from tests.proofs.storm.sweeps import LATENESS, settle_and_review
    from tests.proofs.storm.transitions import recorded

    with recorded() as transitions, storm(seed, emphasis) as people:
        found = settle_and_review(people, emphasis.pauses or LATENESS)
        found += judge(people)
        seen = people.injector.seen
        seen.update(f"fault {fault}" for fault, _, _ in people.cloud.faults.log)
        seen.update(counted())
        seen.update(transitions())
        seen["calls"] += len(people.cloud.requests)
        return Result(seed, found, people.story, seen)


@contextmanager
def storm(seed: int, emphasis: Emphasis) -> Iterator[Any]:
    """Let the people act while faults are injected; yield them once the faults have stopped, on the simulated clock."""
    from tests.proofs.storm.chance import one_chance
    from tests.proofs.storm.clock import shared_time
    from tests.proofs.storm.configuration import configured
    from tests.proofs.storm.selling import selling_orders, selling_settings, sells_vouchers
    from tests.proofs.storm.switches import drawn
    from tests.proofs.storm.unusable import fallback_behaviour, fallback_settings, falls_back
    from voucher_payment_gateway.sandbox import Clock, LocalVoucherCloud

    random = Random(seed)
    sells = sells_vouchers(seed) if emphasis.sells is None else emphasis.sells
    has_fallback = emphasis.verbs is None and falls_back(seed)
    more = fallback_settings(seed) if has_fallback else {}
    more |= selling_settings(seed) if sells else {}
    behaviour = (fallback_behaviour(seed) if has_fallback else {}) | emphasis.behaviour
    cloud = LocalVoucherCloud(Clock(MORNING), drawn(seed).but(**behaviour))
    with (
        quiet(),
        shared_time(cloud.clock, Random(seed)),
        one_chance(seed),
        configured(random, cloud.behaviour, more | emphasis.settings),
        no_rows(),
    ):
        people = _people(seed, random, cloud)
        people.selling = selling_orders(seed) if sells else []
        with people.record.listening(), people.sold.listening(people.injector):
            _storm(seed, random, people, emphasis)
            yield people


def _people(seed: int, random: Random, cloud):
    from tests.proofs.storm.faults import FaultInjector
    from tests.proofs.storm.shop import People
    from tests.shop.models import Order

    vouchers = [
        cloud.add_voucher(
            code=f"CODE-{seed}-{name}",
            amount=random.choice(("20.00", "60.00", "100.00")),
            pin=random.choice(("", "2468")),
        )
        for name in "AB"
    ]
    orders = [
        Order.objects.create(number=number, total=D(random.choice(("10.00", "20.00", "50.00"))))
        for number in (f"{seed}", f"{seed}0", f"{seed}-1")
    ]
    people = People(random, cloud, orders, vouchers)
    people.injector = FaultInjector(
        random,
        crash_rate=random.choice((0, 0.005, 0.02)),
        locked_rate=random.choice((0, 0.005, 0.02)),
        freeze_rate=random.choice((0, 0.02, 0.08)),
        meanwhile=people.meanwhile,
        seen=Counter(),
        doubled_rate=random.choice((0, 0, 0, 0.3)),
    )
    return people


def _storm(seed: int, random: Random, people, emphasis: Emphasis) -> None:
    from django.db import connection

    from tests.proofs.storm.remote_faults import draw_faults

    draw_faults(people.cloud, seed, random, emphasis, sells=bool(people.selling))
    injector, verbs = people.injector, emphasis.verbs or _verbs(people)
    for name in ("freeze_rate", "doubled_rate", "mail_rate"):
        if getattr(emphasis, name) is not None:
            setattr(injector, name, getattr(emphasis, name))
    if emphasis.meanwhile is not None:
        people.meanwhile_verbs = emphasis.meanwhile
    with connection.execute_wrapper(injector.statement):
        for order in people.orders:
            people.do("authorize", order=order)
            people.do(random.choice(("capture", "capture", "capture_part")), order=order)
        if people.selling and Random(f"pays {seed}").random() < 0.7:
            people.do("pay")
        for _ in range(random.randint(8, 16)):
            people.cloud.clock.advance(random.choice(emphasis.pauses or PAUSES))
            people.act(verbs)
    injector.stop()
    people.cloud.faults.clear()


def _verbs(people) -> dict[str, int]:
    """Return the weights of what the people of this day do."""
    from tests.proofs.storm.giving import GIFT_VERBS
    from tests.proofs.storm.selling import SALE_VERBS
    from tests.proofs.storm.shop import VERBS
    from tests.proofs.storm.unusable import FALLBACK_VERBS

    verbs = VERBS | SALE_VERBS | GIFT_VERBS if people.selling else VERBS
    return verbs | FALLBACK_VERBS if people.rungs != ["manual"] else verbs


@contextmanager
def no_rows() -> Iterator[None]:
    """Delete all rows afterwards. Before and after, forget what the cache and this process remember for some minutes: a
    day must not depend on the one before."""
    from django.core.cache import cache
    from django.db import connection

    from tests.shop.models import Order
    from voucher_payment_gateway import models
    from voucher_payment_gateway.short_memory import PROCESS_CACHE

    ours = (
        models.VoucherDifference,
        models.VoucherOperation,
        models.VoucherIdempotencyKey,
        models.VoucherPayment,
        models.VoucherSale,
        models.VoucherGatewayState,
    )
    memories = (cache, PROCESS_CACHE)
    for each in memories:
        each.clear()
    try:
        yield
    finally:
        models.VoucherSale.objects.update(replaces_refund=None)
        for model in (*ours, Order):
            model.objects.all()._raw_delete(connection.alias)
        for each in memories:
            each.clear()


@contextmanager
def quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def main() -> int:
    from tests.proofs.storm.bench import database

    with database():
        result = play(int(sys.argv[1]))
    print("\n".join(result.story))
    print(dict(sorted(result.seen.items())))
    print(result)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
