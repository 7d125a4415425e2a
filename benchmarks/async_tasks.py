"""What 64 tasks outside of a request authorize and capture, beside an ``AsyncVoucherCloud`` that makes the same calls
and keeps no books.

    python -m benchmarks.async_tasks
    python -m tests.postgres_server python -m benchmarks.async_tasks

The server answers after 50 ms. The connections to the database are kept, as with ``CONN_MAX_AGE``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from threading import Barrier
from typing import Any

from benchmarks import table
from benchmarks.rounds import alternate, ms, ratio
from benchmarks.shop import TOTAL, connected, database_name, new_order, shop
from benchmarks.stub_cloud import Server

HEADER = (
    "database",
    "tasks",
    "orders paid in the time of one by the client alone (quartiles)",
    "ms for all",
    "processor, ms",
    "client alone, ms",
    "client alone, processor, ms",
)
TASKS = 64
DELAY_SECONDS = 0.05
WARM_UP = 1

Pay = Callable[[Any, str], Awaitable[object]]


class Loop:
    """One event loop, with a client for its tasks."""

    def __init__(self, server: Server) -> None:
        from voucher_payment_gateway.api import AsyncVoucherCloud

        self.client = AsyncVoucherCloud(
            client_id="local-shop", client_secret="local-shop-secret", base_url=server.base_url
        )
        self._runner = asyncio.Runner()

    def prepared(self, pay: Pay) -> Callable[[], object]:
        """Prepare the orders; return what pays them all."""
        orders = [new_order() for _ in range(TASKS)]
        return partial(self.run, pay, orders)

    def run(self, pay: Pay, given: list[tuple[Any, str]]) -> None:
        async def pay_all() -> None:
            await asyncio.gather(*(pay(order, code) for order, code in given))

        self._runner.run(pay_all())

    async def pay(self, order: Any, code: str) -> None:
        held = await self.client.reserve(code=code, amount=TOTAL, currency="EUR")
        await self.client.charge(held.id, order.number)

    def close(self) -> None:
        self._runner.run(_close_database())
        self._runner.run(self.client.aclose())
        self._runner.close()


async def pay(order: Any, code: str) -> None:
    from voucher_payment_gateway import gateway

    await gateway.aauthorize(order, code)
    await gateway.acapture(order)


async def _close_database() -> None:
    """Close the connections of all threads: each of them takes one of these calls."""
    from django.db import connections

    from voucher_payment_gateway.gateway.verbs.asynchronous import verb_to_async

    all_are_there = Barrier(TASKS)

    def close() -> None:
        all_are_there.wait()
        connections.close_all()

    await asyncio.gather(*(verb_to_async(close)() for _ in range(TASKS)))


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    with shop(), connected(delay=DELAY_SECONDS) as server:
        from django.db import connections

        connections.settings["default"]["CONN_MAX_AGE"] = 600
        loop = Loop(server)
        acts = {"ours": partial(loop.prepared, pay), "alone": partial(loop.prepared, loop.pay)}
        found = alternate(acts, rounds, WARM_UP)
        loop.close()
    ours, alone = found["ours"], found["alone"]
    times = (f"{ms(each, of).median:.0f}" for each in (ours, alone) for of in ("wall", "cpu"))
    yield database_name(), TASKS, ratio(alone, ours), *times


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows, rounds=20)
