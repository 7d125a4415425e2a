"""A capture on a new connection to the database, on one that is kept, on one of Django's pool, and with statements that
the server has prepared.

    python -m tests.postgres_server python -m benchmarks.connections

A process with ``CONN_MAX_AGE = 0`` connects again for each request. The pool needs PostgreSQL and ``psycopg[pool]``.
"""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks import table
from benchmarks.rounds import alternate, ms, ratio
from benchmarks.shop import connected, database_name, new_order, shop

HEADER = ("database", "a capture on", "× on a kept connection (quartiles)", "ms", "processor, ms")
KEPT = "a kept connection"


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    with shop(), connected(), ExitStack() as opened:
        ways = {"a new connection": partial(_capture, reconnects=True), KEPT: _capture}
        if pooled := _pooled():
            opened.callback(pooled.close_pool)
            opened.callback(pooled.close)
            ways["one of Django's pool"] = partial(_capture, pooled, reconnects=True)
        if prepared := _prepared():
            opened.callback(prepared.close)
            ways["a kept connection, statements prepared on the server"] = partial(_capture, prepared)
        found = alternate(ways, rounds)
        for name, timings in found.items():
            beside = "1" if name == KEPT else ratio(timings, found[KEPT])
            yield database_name(), name, beside, *(f"{ms(timings, of).median:.2f}" for of in ("wall", "cpu"))


def _capture(on: Any = None, *, reconnects: bool = False) -> Callable[[], object]:
    """Return a capture of a new order, on another connection than that of this thread; it is given back before."""
    from django.db import connections

    from voucher_payment_gateway import gateway

    order, code = new_order()
    gateway.authorize(order, code)
    used = on or connections["default"]

    def capture() -> None:
        usual, connections["default"] = connections["default"], used
        try:
            gateway.capture(order)
        finally:
            connections["default"] = usual

    if reconnects:
        used.close()
    return capture


def _pooled() -> Any:
    """Return a connection to the same database that comes from a pool; None where there is none."""
    if importlib.util.find_spec("psycopg_pool") is None:
        return None
    return _on_postgresql(pool={"min_size": 1, "max_size": 2})


def _prepared() -> Any:
    """Return a connection to the same database that prepares what it runs a second time; None where it cannot."""
    return _on_postgresql(server_side_binding=True, prepare_threshold=1)


def _on_postgresql(**options: Any) -> Any:
    """Return another connection to the same database, with these options; None on another than PostgreSQL."""
    from django.db import connections

    usual = connections["default"]
    if usual.vendor != "postgresql":
        return None
    settings = {
        **usual.settings_dict,
        "CONN_MAX_AGE": 0,
        "OPTIONS": {**usual.settings_dict["OPTIONS"], **options},
    }
    return type(usual)(settings, "default")


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows)
