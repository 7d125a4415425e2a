"""One day of a shop, drawn from a seed. ``python -m tests.proofs.storm.day SEED`` replays it."""

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal as D
from random import Random
from typing import Any

from voucher_payment_gateway.sandbox.faults import DRAWN

__all__ = ["NO_EMPHASIS", "Emphasis", "Result", "no_rows", "play", "quiet", "until_next"]

MORNING = datetime(2026, 6, 1, 8, tzinfo=UTC)
PAUSES = (1, 1, 5, 40, 70, 70, 300, 1000, 2000)
LATENESS = (1, 30, 90)
MAX_ROUNDS, PROMPT_ROUNDS = 150, 60
"""Maximum runs of the sweep, and how many of them are nearly on time: a forbidden operation waits for a day."""
MONEY = "/v1/*[!s]"
"""The calls that book: charge and refund; reservations and lists end with an s."""
WHERE = (("POST", MONEY, 0.5), ("POST", MONEY, 0.3), ("POST", "/v1/*", 0.2), ("*", "/v1/*", 0.15))
SALES, SALES_FAIL_RATE = ("*", "/v1/vouchers*", 0.25), 0.6
"""The calls about vouchers that are sold, among them the reads; and in how many days of selling they fail."""
REFUSALS = ("before:400", "before:401", "before:403", "before:409", "before:410", "before:422")
"""Rejections by the API itself: nothing of the request was processed."""
FAULTS = (
    *DRAWN,
    *("late:drop", "late:reset", "late:html504", "after:drop", "after:drop", "before:drop", "before:drop"),
    *("after:redirect", "before:redirect", "late:redirect", "after:408", "after:reset", "after:reset"),
    *REFUSALS,
)
FOREIGN_ANSWER = ("after:other",)
"""A well-formed answer with another order's data. A list would be empty, which may be a correct answer."""
LATE_SECONDS = (4, 90, 600, 600)
"""Maximum seconds until a late request arrives."""


@dataclass(frozen=True)
class Emphasis:
    """Overrides of what the seed draws, to make rare situations frequent; None leaves a value to the seed."""

    faults: tuple[str, ...] | None = None
    """Faults for half of the charges and refunds."""
    behaviour: dict[str, Any] = field(default_factory=dict)
    freeze_rate: float | None = None
    doubled_rate: float | None = None
    verbs: dict[str, int] | None = None
    meanwhile: dict[str, int] | None = None
    """The weights of the other workers' calls while one worker is frozen."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of the shop."""
    sells: bool | None = None
    """Whether the shop sells vouchers."""
    pauses: tuple[float, ...] | None = None
    """Seconds between two calls, and by which the sweep is late."""


NO_EMPHASIS = Emphasis()


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
    from tests.proofs.storm.oracle import problems
    from tests.proofs.storm.order_oracle import order_problems
    from tests.proofs.storm.reconciled import reconcile_problems
    from tests.proofs.storm.sale_oracle import sale_problems
    from tests.proofs.storm.transitions import recorded

    with recorded() as transitions, storm(seed, emphasis) as people:
        cloud, injector = people.cloud, people.injector
        found = _settle_and_review(people, emphasis.pauses or LATENESS)
        vouchers = people.all_vouchers()
        found += problems(
            cloud,
            vouchers,
            people.highest_totals,
            doubled=injector.doubled,
            answered=injector.answered,
            after_return=people.after_return,
        )
        found += order_problems(
            cloud,
            vouchers,
            people.record,
            after_return=people.after_return,
            stores_codes=people.stores_codes,
        )
        found += reconcile_problems(cloud, vouchers)
        seen = injector.seen
        found += sale_problems(cloud, people.what_is_sold(), people.sold, doubled=injector.doubled, seen=seen)
        seen.update(f"fault {fault}" for fault, _, _ in cloud.faults.log)
        seen.update(_states())
        seen.update(transitions())
        seen.update(_differences())
        return Result(seed, found, people.story, seen)


@contextmanager
def storm(seed: int, emphasis: Emphasis) -> Iterator[Any]:
    """Let the people act while faults are injected; yield them once the faults have stopped, on the simulated clock."""
    from tests.proofs.storm.chance import one_chance
    from tests.proofs.storm.clock import shared_time
    from tests.proofs.storm.configuration import configured
    from tests.proofs.storm.selling import selling_orders, selling_settings, sells_vouchers
    from tests.proofs.storm.switches import drawn
    from voucher_payment_gateway.sandbox import Clock, LocalVoucherCloud

    random = Random(seed)
    sells = sells_vouchers(seed) if emphasis.sells is None else emphasis.sells
    more = selling_settings(seed) if sells else {}
    cloud = LocalVoucherCloud(Clock(MORNING), drawn(seed).but(**emphasis.behaviour))
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

    from tests.proofs.storm.selling import SALE_VERBS
    from tests.proofs.storm.shop import VERBS

    verbs = emphasis.verbs or (VERBS | SALE_VERBS if people.selling else VERBS)
    method, path, rate = random.choice(WHERE)
    if emphasis.faults:
        method, path, rate = WHERE[0]
    if people.selling and Random(f"where {seed}").random() < SALES_FAIL_RATE:
        method, path, rate = SALES
    faults = FAULTS if method == "*" else (*FAULTS, *FOREIGN_ANSWER)
    people.cloud.faults.draw(
        seed,
        rate=rate,
        method=method,
        path=path,
        faults=emphasis.faults or faults,
        late_seconds=random.choice(LATE_SECONDS),
    )
    if emphasis.freeze_rate is not None:
        people.injector.freeze_rate = emphasis.freeze_rate
    if emphasis.meanwhile is not None:
        people.meanwhile_verbs = emphasis.meanwhile
    if emphasis.doubled_rate is not None:
        people.injector.doubled_rate = emphasis.doubled_rate
    with connection.execute_wrapper(people.injector.statement):
        for order in people.orders:
            people.do("authorize", order=order)
            people.do(random.choice(("capture", "capture", "capture_part")), order=order)
        for _ in range(random.randint(8, 16)):
            people.cloud.clock.advance(random.choice(emphasis.pauses or PAUSES))
            people.act(verbs)
    people.injector.stop()
    people.cloud.faults.clear()


def _settle_and_review(people, lateness: tuple[float, ...]) -> list[str]:
    """Run the sweep until nothing is open; then a person decides the operations in ``manual``."""
    people.stands_shipped()
    _settle_all(people, lateness)
    people.cloud.clock.advance(3 * 3600)  # late requests arrive
    people.do("settle")
    people.do("review")
    _settle_all(people, lateness)
    people.cloud.clock.advance(3 * 3600)
    people.do("settle")
    return [line for line in people.story[-1:] if not line.endswith(": done")]


def _settle_all(people, lateness: tuple[float, ...]) -> None:
    from voucher_payment_gateway.models import VoucherOperation, VoucherSale

    operations = VoucherOperation.objects.filter(state__in=("due", "sending", "unknown"))
    manual = VoucherOperation.objects.filter(state="manual", sale__isnull=False)
    sales = VoucherSale.objects.exclude(due_at=None, deliver_due_at=None).exclude(
        pk__in=manual.values("sale")
    )
    for number in range(MAX_ROUNDS):
        late = people.random.choice(lateness) if number < PROMPT_ROUNDS else 3600
        people.cloud.clock.advance(until_next(operations, people.cloud.clock.now(), sales.all()) + late)
        people.do("settle")
        if not operations.exists() and not sales.exists():
            return


def until_next(operations, now: datetime, sales=()) -> float:
    """Return the seconds until an operation, a sale or a delivery is due, or a worker's lease has expired."""
    due = [at for at in operations.exclude(state="sending").values_list("due_at", flat=True) if at]
    for sale in sales:
        is_at_work = operations.filter(sale=sale).exists()
        due += [at for at in (None if is_at_work else sale.due_at, sale.deliver_due_at) if at]
    wait = min(((at - now).total_seconds() for at in due), default=0)
    return max(wait, 70 if operations.filter(state="sending").exists() else 0)


def _states() -> Counter[str]:
    from voucher_payment_gateway.models import VoucherOperation

    return Counter(f"{kind} {state}" for kind, state in VoucherOperation.objects.values_list("kind", "state"))


def _differences() -> Counter[str]:
    from voucher_payment_gateway.models import VoucherDifference

    return Counter(f"difference {kind}" for kind in VoucherDifference.objects.values_list("kind", flat=True))


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
