"""Commits that survive a crash of the database, also where PostgreSQL is told not to wait for its disk.

With ``synchronous_commit = off`` a crash of PostgreSQL undoes the last commits. If it undid that a charge was being
sent, the charge would be sent a second time.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from voucher_payment_gateway.gateway.records.conflicts import database

__all__ = ["connect", "durable_commit"]

_FORGETFUL: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
"""Whether ``synchronous_commit`` is off, by the driver's connection. It is read once per session of the server, which a
pool hands to many requests: verbs make no statement more."""


def connect() -> None:
    """Read the setting of each connection when it is opened."""
    connection_created.connect(_note_setting, dispatch_uid="voucher_payment_gateway.durability")


def durable_commit() -> AbstractContextManager[None]:
    """Run the block in a transaction whose commit waits for the disk; ordinary connections do so anyway, with
    autocommit too."""
    connection = connections[database()]
    connection.ensure_connection()  # its setting is read then
    is_forgetful = connection.vendor == "postgresql" and _FORGETFUL.get(connection.connection)
    return _waiting_for_disk(connection) if is_forgetful else nullcontext()


@contextmanager
def _waiting_for_disk(connection: BaseDatabaseWrapper) -> Iterator[None]:
    with transaction.atomic(using=database(), savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
        yield


def _note_setting(connection: BaseDatabaseWrapper, **_: Any) -> None:
    is_ours = connection.alias == database() and connection.vendor == "postgresql"
    if is_ours and connection.connection not in _FORGETFUL:
        _FORGETFUL[connection.connection] = _may_forget(connection)


def _may_forget(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a crash of the database may undo what was committed on this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return bool(cursor.fetchone() == ("off",))
