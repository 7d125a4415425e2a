"""Which way operations and payments went from state to state, noted by the database itself: SQLite's triggers.

What a transaction undoes is not noted either. Other databases note nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

__all__ = ["DIAGRAMS", "noted", "of"]

DIAGRAMS = {"operation": "The life of an operation", "payment": "The life of a payment"}
"""The headings of the page about money safety with the diagrams of the ways that are possible."""

WATCHED = {
    "operation": ("voucher_payment_gateway_voucheroperation", "state", "FALSE"),
    "payment": (
        "voucher_payment_gateway_voucherpayment",
        "status",
        "new.status = 'authorized' AND old.reservation_id <> new.reservation_id",
    ),
}
"""Table, column, and when it counts as a way back to the same state."""

Arrow = tuple[str, str]


@contextmanager
def noted() -> Iterator[Callable[[], Counter[str]]]:
    """Have the ways noted, and something that counts them: ``operation due > sending``."""
    if connection.vendor != "sqlite":
        yield Counter
        return
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE ways (way text)")
        for kind, (table, column, again) in WATCHED.items():
            cursor.execute(
                f"CREATE TEMP TRIGGER {kind}_begins AFTER INSERT ON {table} BEGIN "
                f"INSERT INTO ways VALUES ('{kind} [*] > ' || new.{column}); END"
            )
            cursor.execute(
                f"CREATE TEMP TRIGGER {kind}_changes AFTER UPDATE ON {table} "
                f"WHEN old.{column} <> new.{column} OR ({again}) BEGIN "
                f"INSERT INTO ways VALUES ('{kind} ' || old.{column} || ' > ' || new.{column}); END"
            )
        try:
            yield _counted
        finally:
            for kind in WATCHED:
                cursor.execute(f"DROP TRIGGER {kind}_begins")
                cursor.execute(f"DROP TRIGGER {kind}_changes")
            cursor.execute("DROP TABLE ways")


def of(kind: str, seen: Counter[str]) -> set[Arrow]:
    """Return the ways that were seen of a kind, as pairs of states."""
    ways = [way.split(" ") for way in seen if " > " in way]
    return {(before, after) for found, before, _, after in ways if found == kind}


def _counted() -> Counter[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT way, count(*) FROM ways GROUP BY way")
        return Counter(dict(cursor.fetchall()))
