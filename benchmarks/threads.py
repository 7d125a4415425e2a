"""What one process captures with 64 threads, beside a bare client that commits before and after the same call.

    python -m benchmarks.threads
    python -m tests.postgres_server python -m benchmarks.threads

The server speaks TLS. The bare client is an ``httpx.Client``, once as it is and once with as many idle connections as
ours keeps. It writes one UPDATE with each commit. Before each act all threads have reserved at the same moment, so that
a client which keeps its connections has them all.
"""

import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import httpx

from benchmarks import table
from benchmarks.peers.wire import HEADERS
from benchmarks.rounds import alternate, ms, ratio, spread
from benchmarks.shop import TOTAL, connected, database_name, new_order, shop
from benchmarks.stub_cloud import Server

HEADER = (
    "database",
    "server",
    "by 64 threads",
    "calls a second",
    "captures in that time, for each call (quartiles)",
    "processor, ms a call",
    "new TLS connections a call",
)
DELAYS = (0, 0.05)
THREADS = 64
CALLS = 2 * THREADS
ROUNDS = 20
TIMEOUT_SECONDS = 60
OURS = "capture"
KEPT = httpx.Limits(max_connections=100, max_keepalive_connections=100)

Acts = dict[str, Callable[[], Callable[[], object]]]


class Crowd:
    """The threads, whose connections to the database stay open as those of a server's workers do."""

    def __init__(self, server: Server, threads: ThreadPoolExecutor) -> None:
        self._server, self._threads = server, threads
        self._all_are_there = Barrier(THREADS)
        self.connections: Counter[str] = Counter()

    def acts(self, bare: dict[str, httpx.Client]) -> Acts:
        """Return what is compared, by name: each prepares its orders."""
        from voucher_payment_gateway import gateway

        def act_of(name: str, prepare: Callable[[Any, str], Any], act: Callable[[Any], Any]) -> Acts:
            return {name: lambda: partial(self._counted, name, act, self._prepared(prepare))}

        acts = act_of(OURS, _authorized, gateway.capture)
        for name, client in bare.items():
            acts |= act_of(name, partial(_held, client), partial(_charge, client))
        return acts

    def close_databases(self) -> None:
        """Close the connection of each thread."""
        from django.db import connection

        def close(_: int) -> None:
            self._all_are_there.wait()
            connection.close()

        list(self._threads.map(close, range(THREADS)))

    def _prepared(self, prepare: Callable[[Any, str], Any]) -> list[Any]:
        def together(new: tuple[Any, str]) -> Any:
            self._all_are_there.wait()
            return prepare(*new)

        return list(self._threads.map(together, [new_order() for _ in range(CALLS)]))

    def _counted(self, name: str, act: Callable[[Any], Any], given: list[Any]) -> None:
        before = self._server.counts()["connections"]
        for _ in self._threads.map(act, given):
            pass
        self.connections[name] += self._server.counts()["connections"] - before


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    with shop():
        for delay in DELAYS:
            with connected(delay=delay, tls=True) as server, ThreadPoolExecutor(THREADS) as threads:
                crowd = Crowd(server, threads)
                try:
                    yield from _rows(server, crowd, rounds, f"{delay * 1000:.0f} ms")
                finally:
                    crowd.close_databases()


def _rows(server: Server, crowd: Crowd, rounds: int, delay: str) -> Iterator[tuple[object, ...]]:
    with _client(server) as usual, _client(server, limits=KEPT) as keeping:
        acts = crowd.acts({"bare client": usual, "bare client that keeps 100": keeping})
        found = alternate(acts, rounds, warm_up=0)
    for name, timings in found.items():
        a_second = spread(CALLS / each.wall for each in timings).median
        beside = "1" if name == OURS else ratio(timings, found[OURS])
        processor = ms(timings, "cpu").median / CALLS
        opened = crowd.connections[name] / rounds / CALLS
        yield (
            *(database_name(), delay, name, f"{a_second:.0f}", beside),
            *(f"{processor:.2f}", f"{opened:.3f}"),
        )


def _client(server: Server, **options: Any) -> httpx.Client:
    context = ssl.create_default_context(cafile=server.ca_file)
    given = {"base_url": server.base_url, "headers": HEADERS, "timeout": TIMEOUT_SECONDS, **options}
    return httpx.Client(verify=context, trust_env=False, **given)


def _authorized(order: Any, code: str) -> Any:
    from voucher_payment_gateway import gateway

    gateway.authorize(order, code)
    return order


def _held(client: httpx.Client, order: Any, code: str) -> tuple[Any, str]:
    body = {"code": code, "amount": str(TOTAL), "currency": "EUR"}
    return order, client.post("/reservations", json=body).raise_for_status().json()["id"]


def _charge(client: httpx.Client, given: tuple[Any, str]) -> None:
    order, reservation_id = given
    _write(order, "sending")
    path = f"/reservations/{reservation_id}/charge"
    client.post(path, json={"order_number": order.number}).raise_for_status()
    _write(order, "captured")


def _write(order: Any, status: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_order SET status = %s WHERE id = %s", [status, order.pk])


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows, ROUNDS)
