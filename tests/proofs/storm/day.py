"""One day of a shop, drawn from a seed. ``python -m tests.proofs.storm.day SEED`` plays it again."""

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

__all__ = ["AS_IT_COMES", "Emphasis", "Result", "no_rows", "play", "quiet", "until_next"]

MORNING = datetime(2026, 6, 1, 8, tzinfo=UTC)
PAUSES = (1, 1, 5, 40, 70, 70, 300, 1000, 2000)
LATENESS = (1, 30, 90)
MOST_ROUNDS, PROMPT_ROUNDS = 150, 60
"""So often the sweep runs at most, and so often without being very late: what is forbidden waits for a day."""
EVENTS = {
    "authorize": "tests.shop.signals.confirmed",
    "capture": "tests.shop.signals.shipped",
    "refund": "tests.shop.signals.returned",
    "cancel": "tests.shop.signals.aborted",
}
ON_STATUS = {
    "field": "status",
    "authorize": ["confirmed"],
    "capture": ["shipped"],
    "refund": ["returned"],
    "cancel": ["cancelled"],
}
MONEY = "/v1/*[!s]"
"""The calls that book: charge and refund; reservations and lists end with an s."""
WHERE = (("POST", MONEY, 0.5), ("POST", MONEY, 0.3), ("POST", "/v1/*", 0.2), ("*", "/v1/*", 0.15))
REFUSALS = ("before:400", "before:401", "before:403", "before:409", "before:410", "before:422")
"""The API's own error document says no: nothing of the request was processed."""
FAULTS = (
    *DRAWN,
    *("late:drop", "late:reset", "late:html504", "after:drop", "after:drop", "before:drop", "before:drop"),
    *("after:redirect", "before:redirect", "late:redirect", "after:408", "after:reset", "after:reset"),
    *REFUSALS,
)
OF_ANOTHER = ("after:other",)
"""A well-formed answer with another order's data. Of a list it would be empty, which nobody can tell from the truth."""
LATEST = (4, 90, 600, 600)
"""Seconds within which a late request lands."""


@dataclass(frozen=True)
class Emphasis:
    """What a day has more of than its seed alone would give it; None leaves it to the seed."""

    faults: tuple[str, ...] | None = None
    """Faults for half of the calls that book."""
    behaviour: dict[str, Any] = field(default_factory=dict)
    freeze_rate: float | None = None
    doubled_rate: float | None = None
    verbs: dict[str, int] | None = None
    meanwhile: dict[str, int] | None = None
    """What others do while a worker is frozen."""
    pauses: tuple[float, ...] | None = None
    """Seconds between two acts, and by which the sweep comes late."""


AS_IT_COMES = Emphasis()


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


def play(seed: int, emphasis: Emphasis = AS_IT_COMES) -> Result:
    """Play the day that belongs to ``seed``; its rows are gone afterwards."""
    from tests.proofs.storm.oracle import problems
    from tests.proofs.storm.reconciled import misjudged
    from tests.proofs.storm.transitions import noted

    with noted() as ways, storm(seed, emphasis) as people:
        cloud, weather = people.cloud, people.weather
        found = _aftermath(people, emphasis.pauses or LATENESS)
        found += problems(
            cloud, people.vouchers, people.dearest, doubled=weather.doubled, answered=weather.answered
        )
        found += misjudged(cloud, people.vouchers)
        seen = weather.seen
        seen.update(f"fault {fault}" for fault, _, _ in cloud.faults.log)
        seen.update(_states())
        seen.update(ways())
        seen.update(_differences())
        return Result(seed, found, people.story, seen)


@contextmanager
def storm(seed: int, emphasis: Emphasis) -> Iterator[Any]:
    """Let people act while all goes wrong that can, until the faults stop; yield them then, on a clock of their own."""
    from tests.proofs.storm.clock import shared_time
    from tests.proofs.storm.switches import drawn
    from voucher_payment_gateway.sandbox import Clock, LocalVoucherCloud

    random = Random(seed)
    cloud = LocalVoucherCloud(Clock(MORNING), drawn(seed).but(**emphasis.behaviour))
    with quiet(), shared_time(cloud.clock, Random(seed)), _configured(random, cloud.behaviour), no_rows():
        people = _people(seed, random, cloud)
        _storm(seed, random, people, emphasis)
        yield people


def _people(seed: int, random: Random, cloud):
    from tests.proofs.storm.faults import Weather
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
    people.weather = Weather(
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

    from tests.proofs.storm.shop import VERBS

    method, path, rate = random.choice(WHERE)
    if emphasis.faults:
        method, path, rate = WHERE[0]
    faults = FAULTS if method == "*" else (*FAULTS, *OF_ANOTHER)
    people.cloud.faults.draw(
        seed,
        rate=rate,
        method=method,
        path=path,
        faults=emphasis.faults or faults,
        late_seconds=random.choice(LATEST),
    )
    if emphasis.freeze_rate is not None:
        people.weather.freeze_rate = emphasis.freeze_rate
    if emphasis.meanwhile is not None:
        people.meanwhile_verbs = emphasis.meanwhile
    if emphasis.doubled_rate is not None:
        people.weather.doubled_rate = emphasis.doubled_rate
    with connection.execute_wrapper(people.weather.statement):
        for order in people.orders:
            people.do("authorize", order=order)
            people.do(random.choice(("capture", "capture", "capture_part")), order=order)
        for _ in range(random.randint(8, 16)):
            people.cloud.clock.advance(random.choice(emphasis.pauses or PAUSES))
            people.act(emphasis.verbs or VERBS)
    people.weather.calm_down()
    people.cloud.faults.clear()


def _aftermath(people, lateness: tuple[float, ...]) -> list[str]:
    """Let time pass and the sweep run until nothing is open; then a person decides what waits for one."""
    _settle_all(people, lateness)
    people.cloud.clock.advance(3 * 3600)  # what is under way late lands
    people.do("settle")
    people.do("review")
    _settle_all(people, lateness)
    people.cloud.clock.advance(3 * 3600)
    people.do("settle")
    return [line for line in people.story[-1:] if not line.endswith(": done")]


def _settle_all(people, lateness: tuple[float, ...]) -> None:
    from voucher_payment_gateway.models import VoucherOperation

    operations = VoucherOperation.objects.filter(state__in=("due", "sending", "unknown"))
    for number in range(MOST_ROUNDS):
        late = people.random.choice(lateness) if number < PROMPT_ROUNDS else 3600
        people.cloud.clock.advance(until_next(operations, people.cloud.clock.now()) + late)
        people.do("settle")
        if not operations.exists():
            return


def until_next(operations, now: datetime) -> float:
    """Return how long the sweep sleeps: until something is due, or a worker's lease is over."""
    due = [at for at in operations.exclude(state="sending").values_list("due_at", flat=True) if at]
    wait = min(((at - now).total_seconds() for at in due), default=0)
    return max(wait, 70 if operations.filter(state="sending").exists() else 0)


def _states() -> Counter[str]:
    from voucher_payment_gateway.models import VoucherOperation

    return Counter(f"{kind} {state}" for kind, state in VoucherOperation.objects.values_list("kind", "state"))


def _differences() -> Counter[str]:
    from voucher_payment_gateway.models import VoucherDifference

    return Counter(f"difference {kind}" for kind in VoucherDifference.objects.values_list("kind", flat=True))


@contextmanager
def _configured(random: Random, behaviour) -> Iterator[None]:
    """The shop's settings of this day; half of the operators know how their Voucher Cloud behaves."""
    from django.conf import settings
    from django.test import override_settings

    from tests.proofs.storm.switches import MEANINGS

    known = {
        "cancel_reservation": behaviour.cancel_reservation,
        "open_reservation_lowers_balance": behaviour.open_reservation_lowers_balance,
    }
    changed = {
        **settings.VOUCHER_PAYMENT_GATEWAY,
        "REFUND_ORDER": random.choice(("last-first", "first-first", "pro-rata")),
        "API_BEHAVIOUR": random.choice(({}, known)),
        "RENEW_HOLDS": random.choice((False, False, True)),
        "SELECTED_HOURS": random.choice((1, 24)),
        "CAPTURE": random.choice(("manual", "manual", "immediate")),
        "CANCEL_RESERVATION_CALL": random.choice((True, True, False)),
        "ERROR_MEANINGS": dict(MEANINGS.values()) if behaviour.code_names and random.random() < 0.5 else {},
        "EVENTS": EVENTS,
        "ON_STATUS": ON_STATUS,
    }
    with override_settings(VOUCHER_PAYMENT_GATEWAY=changed):
        yield


@contextmanager
def no_rows() -> Iterator[None]:
    from django.db import connection

    from tests.shop.models import Order
    from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment

    try:
        yield
    finally:
        for model in (VoucherDifference, VoucherOperation, VoucherPayment, Order):
            model.objects.all()._raw_delete(connection.alias)


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
