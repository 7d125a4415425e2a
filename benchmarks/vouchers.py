"""What an order with eight vouchers takes beside an order with one: their calls are made side by side.

    python -m benchmarks.vouchers
    python -m tests.postgres_server python -m benchmarks.vouchers

The server answers after 50 ms; while an order is prepared, at once.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks import table
from benchmarks.rounds import Prepare, alternate, ms, ratio
from benchmarks.shop import TOTAL, connected, database_name, new_order, shop
from benchmarks.stub_cloud import Server

HEADER = (
    "database",
    "verb",
    "8 vouchers × 1 voucher (quartiles)",
    "8, ms",
    "1, ms",
    "8, processor, ms",
    "1, processor, ms",
)
MANY = 8
DELAY_SECONDS = 0.05
WARM_UP = 1


def acts(server: Server) -> dict[str, Prepare]:
    """Return what is compared, by name: each takes a new order."""
    from voucher_payment_gateway import gateway

    def authorized(count: int) -> Any:
        order, code = new_order(TOTAL * count)
        for number in range(count):
            gateway.authorize(order, f"{code}-{number}", amount=TOTAL)
        return order

    def captured(count: int) -> Any:
        order = authorized(count)
        gateway.capture(order)
        return order

    def act_of(verb: Callable[[Any], object], order_with: Callable[[int], Any], count: int) -> Prepare:
        def prepare() -> Callable[[], object]:
            server.set_delay(0)
            order = order_with(count)
            server.set_delay(DELAY_SECONDS)
            return partial(verb, order)

        return prepare

    verbs = {
        "`capture`": (gateway.capture, authorized),
        "`refund`": (gateway.refund, captured),
        "`cancel` of what is held": (gateway.cancel, authorized),
        "`cancel` of what is charged": (gateway.cancel, captured),
    }
    return {
        f"{name} {count}": act_of(verb, order_with, count)
        for name, (verb, order_with) in verbs.items()
        for count in (MANY, 1)
    }


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    with shop(), connected() as server:
        found = alternate(acts(server), rounds, WARM_UP)
    for name in dict.fromkeys(each.rpartition(" ")[0] for each in found):
        many, one = found[f"{name} {MANY}"], found[f"{name} 1"]
        times = (f"{ms(each, of).median:.1f}" for of in ("wall", "cpu") for each in (many, one))
        yield database_name(), name, ratio(many, one), *times


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows, rounds=50)
