"""An order paid (authorize and capture) by the gateway, beside the same order paid by other means.

python -m benchmarks.order_paid
python -m tests.postgres_server python -m benchmarks.order_paid
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks import table
from benchmarks.rounds import Timing, alternate, ms, ratio
from benchmarks.shop import connected, database_name, new_order, shop
from benchmarks.stub_cloud import Server

HEADER = (
    "database",
    "transport",
    "paid by",
    "the gateway × this (quartiles)",
    "× in processor time",
    "ms",
    "processor, ms",
)
PLAIN, TLS = "plain HTTP", "TLS"

Pay = Callable[[Any, str], object]


def by_gateway(order: Any, code: str) -> None:
    from voucher_payment_gateway import gateway

    gateway.authorize(order, code)
    gateway.capture(order)


def peers(server: Server, opened: ExitStack) -> dict[str, Pay]:
    """Return the ways to pay, by name; what they keep open is closed with ``opened``."""
    from benchmarks.peers.by_orm import ByOrm
    from benchmarks.peers.by_requests import django_payments, hand_written
    from benchmarks.peers.limit import Limit

    by_orm, limit = ByOrm(server), Limit(server)
    opened.callback(by_orm.close)
    opened.callback(limit.close)
    return {
        "the gateway": by_gateway,
        "`requests.post` and `order.save()`": hand_written(server),
        "django-payments with `requests.post`": django_payments(server),
        "the ORM and httpx, by hand": by_orm,
        "the limit: SQL and httpcore": limit,
    }


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    with shop():
        for transport in (PLAIN, TLS):
            with connected(tls=transport == TLS) as server, ExitStack() as opened:
                ways = peers(server, opened)
                found = alternate({name: partial(_of_new_order, pay) for name, pay in ways.items()}, rounds)
            for name, timings in found.items():
                times = (f"{ms(timings, of).median:.2f}" for of in ("wall", "cpu"))
                yield database_name(), transport, name, *_beside(found["the gateway"], timings), *times


def _beside(gateway: list[Timing], peer: list[Timing]) -> tuple[object, object]:
    return ("1", "1") if gateway is peer else (ratio(gateway, peer), ratio(gateway, peer, "cpu"))


def _of_new_order(pay: Pay) -> Callable[[], object]:
    return partial(pay, *new_order())


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows)
