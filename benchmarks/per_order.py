"""What one order takes, counted: calls, statements and commits of each verb, and the bytes that stay in PostgreSQL.

The bytes are those of a filled ledger (``tests/ledger_rows.py``), with its indexes built at the end: packed as after a
REINDEX. What is written row by row is about a third larger.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from benchmarks import shop, table
from benchmarks.stub_cloud import Server

HEADER = ("of one order", "calls", "statements", "commits", "bytes of rows", "bytes of indexes")
OPERATIONS = 210_000
FEW = 2_100
"""For one round."""

NONE = "–"
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
SIZES = "SELECT pg_table_size(%s), pg_indexes_size(%s)"


class Counted:
    """Statements and commits on the connection of this thread."""

    statements = commits = 0

    @contextmanager
    def watch(self) -> Iterator[None]:
        from django.db import connection

        commit = connection._commit

        def counted_commit() -> None:
            self.commits += 1
            commit()

        connection._commit = counted_commit
        try:
            with connection.execute_wrapper(self._statement):
                yield
        finally:
            connection._commit = commit

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.lstrip().upper().startswith(CONTROL):
            is_write = not sql.lstrip().upper().startswith("SELECT")
            self.statements += 1
            self.commits += is_write and not context["connection"].in_atomic_block
        return execute(sql, params, many, context)


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    """Yield a row for each verb, then the bytes of each table for one order, and of an operation."""
    with shop.shop():
        with shop.connected() as server:
            yield from _verbs(server)
        yield from _bytes(FEW if rounds == 1 else OPERATIONS)


def _verbs(server: Server) -> Iterator[tuple[object, ...]]:
    from voucher_payment_gateway import gateway

    warm, code = shop.new_order()
    gateway.authorize(warm, code)
    gateway.capture(warm)
    order, code = shop.new_order()
    other, other_code = shop.new_order()
    gateway.authorize(other, other_code)
    acts: dict[str, Callable[[], object]] = {
        "`authorize`": lambda: gateway.authorize(order, code),
        "`capture`": lambda: gateway.capture(order),
        "`refund` of a part": lambda: gateway.refund(order, Decimal("1.00")),
        "`cancel` of what is reserved": lambda: gateway.cancel(other),
    }
    for name, act in acts.items():
        counted, calls = Counted(), server.counts()["calls"]
        with counted.watch():
            act()
        yield name, server.counts()["calls"] - calls, counted.statements, counted.commits, NONE, NONE


def _bytes(operations: int) -> Iterator[tuple[object, ...]]:
    from django.db import connection

    from tests.ledger_rows import OPERATIONS_OF_TEN, fill
    from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

    if connection.vendor != "postgresql":  # SQLite does not tell
        return
    VoucherOperation._base_manager.all()._raw_delete(connection.alias)
    VoucherPayment._base_manager.all()._raw_delete(connection.alias)
    fill(connection.alias, operations)
    payments = operations * 10 // OPERATIONS_OF_TEN
    for name, model in (
        ("its payment", VoucherPayment),
        (f"its {OPERATIONS_OF_TEN / 10} operations", VoucherOperation),
    ):
        named = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(SIZES, [named, named])
            in_rows, in_indexes = cursor.fetchone()
        yield f"stays: {name}", NONE, NONE, NONE, in_rows // payments, in_indexes // payments


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows, rounds=2, is_timed=False)
