"""The transitions that rows of operations and payments make, recorded by triggers of SQLite.

What is rolled back is not recorded. On other databases nothing is.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from tests.docs.pages import drawn_arrows
from voucher_payment_gateway.rules.states import TRANSITIONS

__all__ = ["ALLOWED", "recorded", "transitions_of"]

WATCHED = {
    "operation": ("voucher_payment_gateway_voucheroperation", "state", "FALSE"),
    "payment": (
        "voucher_payment_gateway_voucherpayment",
        "status",
        "new.status = 'authorized' AND old.reservation_id <> new.reservation_id",
    ),
}
"""Table, column, and the condition under which an update counts as a transition to the same state."""

Transition = tuple[str, str]

ALLOWED: dict[str, set[Transition]] = {
    "operation": {(before or "[*]", after) for before, follows in TRANSITIONS.items() for after in follows},
    "payment": drawn_arrows("The life of a payment"),
}
"""The transitions that rows may make: of operations those of the rules, of payments those of the documented diagram."""


@contextmanager
def recorded() -> Iterator[Callable[[], Counter[str]]]:
    """Record transitions; yield a function that counts them by text: ``operation due > sending``."""
    if connection.vendor != "sqlite":
        yield Counter
        return
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE transitions (transition text)")
        for kind, (table, column, again) in WATCHED.items():
            cursor.execute(
                f"CREATE TEMP TRIGGER {kind}_begins AFTER INSERT ON {table} BEGIN "
                f"INSERT INTO transitions VALUES ('{kind} [*] > ' || new.{column}); END"
            )
            cursor.execute(
                f"CREATE TEMP TRIGGER {kind}_changes AFTER UPDATE ON {table} "
                f"WHEN old.{column} <> new.{column} OR ({again}) BEGIN "
                f"INSERT INTO transitions VALUES ('{kind} ' || old.{column} || ' > ' || new.{column}); END"
            )
        try:
            yield _counted
        finally:
            for kind in WATCHED:
                cursor.execute(f"DROP TRIGGER {kind}_begins")
                cursor.execute(f"DROP TRIGGER {kind}_changes")
            cursor.execute("DROP TABLE transitions")


def transitions_of(kind: str, seen: Counter[str]) -> set[Transition]:
    """Return the transitions seen of a kind, as pairs of states."""
    split = [what.split(" ") for what in seen if " > " in what]
    return {(before, after) for found, before, _, after in split if found == kind}


def _counted() -> Counter[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT transition, count(*) FROM transitions GROUP BY transition")
        return Counter(dict(cursor.fetchall()))
