"""A clerk's session that keeps the database from writing an order, and waits that are short enough for a test."""

from contextlib import contextmanager

from django.db import connection, connections

from tests.shop.models import Order

__all__ = ["LIMITS", "locked"]

LIMITS = {
    "postgresql": ("SET lock_timeout = '200ms'", "SET statement_timeout = '200ms'"),
    "sqlite": ("PRAGMA busy_timeout = 200",),
    "mysql": ("SET innodb_lock_wait_timeout = 1",),
}[connection.vendor]
"""Each ends a statement that waits for a lock."""

LOCKS = {
    "postgresql": ("BEGIN", f"SELECT 1 FROM {Order._meta.db_table} FOR UPDATE"),
    "sqlite": ("BEGIN IMMEDIATE",),
    "mysql": ("BEGIN", f"SELECT 1 FROM {Order._meta.db_table} FOR UPDATE"),
}[connection.vendor]


@contextmanager
def locked(limit=LIMITS[0]):
    """Lock every order, on SQLite the database, and wait no longer for locks than ``limit`` says."""
    clerk = connections.create_connection("default")
    try:
        with clerk.cursor() as cursor:
            for statement in LOCKS:
                cursor.execute(statement)
        with connection.cursor() as cursor:
            cursor.execute(limit)
        yield
    finally:
        clerk.close()
        connection.close()  # the next one waits as usual
