"""What is asked for, and when: drawn from a seed, independent of the outcomes.

A step begins at a multiple of ``TICK`` seconds, and whatever it does takes a few. No duration of the rules ends near
such an instant, counted from the beginning of another step: so it makes no difference that a call takes a little longer
in one engine than in the other.
"""

from dataclasses import dataclass
from random import Random

from tests.proofs.simulation.remote import Behaviour

__all__ = ["TICK", "Order", "Schedule", "Step", "drawn"]

TICK = 205
PAUSES = (1, 1, 1, 1, 2, 2, 4, 5, 9, 11)
"""In ticks: some are longer than the grace period, some than a reservation lasts."""
SLEEP = 70
"""Seconds that a sleeping worker sleeps: longer than its lease."""
LIVES = (
    ("capture", "refund_part", "refund_part", "refund"),
    ("capture", "refund_part", "cancel"),
    ("capture", "capture", "refund", "refund"),
    ("capture_part", "capture_part", "refund_part", "refund_part", "refund_part"),
    ("capture_part", "capture_part", "capture_part", "cancel"),
    ("capture_part", "refund_part", "capture_part", "refund"),
    ("capture", "cancel", "capture", "cancel"),
    ("capture_part", "cancel"),
    ("cancel", "capture"),
)
"""What is asked for of an order after it was authorized; a part of it, as each step may be left out."""
OTHERS = ("till_reserve", "till_charge", "clerk", "clerk")
SETTLE_RATE = 0.35
NUMBERS = ("1001", "10010", "1001-1")


@dataclass(frozen=True)
class Order:
    """An order that is paid with one voucher. All amounts asked for are multiples of ``unit``, in cents: so what is
    given back never has to be spread over several charges."""

    number: str
    voucher: int
    unit: int
    units: int


@dataclass(frozen=True)
class Step:
    """``name`` keys the fates of its calls; ``cents`` is None where all is meant."""

    name: str
    at: int
    verb: str
    order: int
    voucher: int
    cents: int | None = None


@dataclass(frozen=True)
class Schedule:
    """All of one play."""

    seed: int
    behaviour: Behaviour
    balances: tuple[int, ...]
    orders: tuple[Order, ...]
    steps: tuple[Step, ...]
    fault_rate: float
    worker_rate: float

    @property
    def ends_at(self) -> int:
        return self.steps[-1].at if self.steps else 0


def drawn(seed: int) -> Schedule:
    """Return the schedule of ``seed``."""
    random = Random(f"schedule {seed}")
    vouchers = random.choice((1, 1, 2))
    orders = tuple(
        Order(number, random.randrange(vouchers), random.choice((1, 100, 333, 500)), random.randint(1, 5))
        for number in NUMBERS[: random.randint(1, len(NUMBERS))]
    )
    return Schedule(
        seed,
        _behaviour(random),
        tuple(_balance(random, orders, voucher) for voucher in range(vouchers)),
        orders,
        tuple(_steps(random, orders)),
        fault_rate=random.choice((0.1, 0.3, 0.5, 0.7)),
        worker_rate=random.choice((0.0, 0.1, 0.2)),
    )


def _behaviour(random: Random) -> Behaviour:
    """Draw what both models of the Voucher Cloud have in common. Left out: an open hold that lowers the balance, which
    the simulated one counts even when it was charged, and bookings that show after a lag drawn for each."""
    return Behaviour(
        second_charge=random.choice(("refuse", "same", "book")),
        refunds_tell_number=random.random() < 0.5,
        refund_limit_is_less=random.random() < 0.2,
        refund_limit_shrinks=random.random() < 0.5,
        release_works=random.random() < 0.4,
        refused_reserve_kills_hold=random.random() < 0.5,
        numbers_are_unique=random.random() < 0.3,
        lapse_lag=random.choice((0.0, 150.0)),
        clock_offset=random.choice((0.0, 0.0, 40.0, -40.0, 7300.0, -7300.0)),
    )


def _balance(random: Random, orders: tuple[Order, ...], voucher: int) -> int:
    """Sometimes ample, sometimes not enough for all that is wanted."""
    wanted = sum(order.unit * order.units for order in orders if order.voucher == voucher)
    return random.choice((30_000, max(1, wanted), max(1, wanted * 2 // 3)))


def _steps(random: Random, orders: tuple[Order, ...]) -> list[Step]:
    left = [["authorize", *_life(random)] for _ in orders]
    others_rate, steps, at = random.choice((0.0, 0.1, 0.3)), [], 0
    while any(left):
        drawn = random.random()
        index = random.choice([place for place, verbs in enumerate(left) if verbs])
        if steps and drawn < SETTLE_RATE:
            verb = "settle"
        elif steps and drawn < SETTLE_RATE + others_rate:
            verb = random.choice(OTHERS)
        else:
            verb = left[index].pop(0)
        name, order = f"{len(steps)} {verb}", orders[index]
        steps.append(Step(name, at, verb, index, order.voucher, _cents(random, verb, order)))
        at += TICK * random.choice(PAUSES)
    return steps


def _life(random: Random) -> list[str]:
    return [verb for verb in random.choice(LIVES) if random.random() < 0.85]


def _cents(random: Random, verb: str, order: Order) -> int | None:
    match verb:
        case "authorize":
            return order.unit * order.units
        case "capture_part":
            return order.unit * random.randint(1, order.units)
        case "refund_part" | "clerk":
            return order.unit
        case "till_reserve":
            return random.choice((order.unit * order.units, 100, 2500))
    return None
