"""SQLite has one lock for all writers, and a transaction that has written keeps it to its end."""

from functools import lru_cache

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.log_events import RunningEvents

__all__ = ["tell_of_transaction"]


def tell_of_transaction() -> None:
    """Log, before a voucher is reserved, that this happens inside of a transaction on SQLite. What that has written
    before blocks every other writer until the Voucher Cloud answers, and SQLite does not tell whether it has."""
    connection = connections[database()]
    if connection.vendor == "sqlite" and connection.in_atomic_block and not _is_in_memory(connection):
        _tell()


def _is_in_memory(connection: BaseDatabaseWrapper) -> bool:
    """No other process writes there: it is a database of tests."""
    return bool(connection.is_in_memory_db())  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def _tell() -> None:
    """Once per process, not once per order."""
    RunningEvents.reserved_in_transaction.log()
