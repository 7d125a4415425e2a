"""Optimistic locking: how concurrent writers are detected.

A verb reads the payments of an order and the number of its last operation, decides, and writes the next operation under
the next number. Where another writer took that number first, or changed a payment that was read, the database refuses:
that is a conflict, nothing was written, and the verb reads and decides again.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, router, transaction
from django.db.transaction import TransactionManagementError

from voucher_payment_gateway.exceptions import OperationInProgressError, UnavailableError
from voucher_payment_gateway.models import VoucherOperation

__all__ = [
    "MAX_CONFLICTS",
    "ConflictError",
    "atomic_or_conflict",
    "database",
    "in_transaction",
    "non_atomic",
    "refuse_open_transaction",
    "retry_on_conflict",
    "unavailable_if_locked",
]

Decided = TypeVar("Decided")
View = TypeVar("View", bound=Callable[..., object])

DEADLOCK_SQLSTATES = ("40P01", "40001")
"""PostgreSQL rolled this transaction back in favour of another one: a deadlock or a serialization failure."""

LOCK_SQLSTATES = ("55P03", "57014")
"""PostgreSQL ended the statement: it waited longer than ``lock_timeout`` or ran longer than ``statement_timeout``."""

LOCK_SQLITE_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
"""SQLite could not get its lock in time: ``database is locked``."""

DEADLOCK_MYSQL_CODES = (1213, 1020)
"""MySQL and MariaDB rolled this transaction back: a deadlock, or a row that changed since its snapshot."""

LOCK_MYSQL_CODES = (1205, 3572, 3024, 1969)
"""They ended the statement: it waited longer than ``innodb_lock_wait_timeout``, must not wait, or ran longer than
``max_execution_time`` (MySQL) or ``max_statement_time`` (MariaDB)."""

MAX_CONFLICTS = 12
"""How often a conflicting decision is retried before OperationInProgressError."""


class ConflictError(Exception):
    """Another writer changed this order or voucher first; nothing of ours was written."""


def retry_on_conflict(decision: Callable[[], Decided], *, progress: Callable[[], int] = lambda: 0) -> Decided:
    """Call ``decision``, again after each conflict. Attempts that made ``progress`` do not count against the limit.

    Raises OperationInProgressError after too many conflicts in a row.
    """
    conflicts, done = 0, progress()
    while conflicts < MAX_CONFLICTS:
        try:
            return decision()
        except ConflictError:
            conflicts, done = (conflicts + 1, done) if progress() == done else (0, progress())
    raise OperationInProgressError(
        "Another operation on this gift voucher is not finished yet. No money moved."
    )


@contextmanager
def atomic_or_conflict(*, is_one_statement: bool = False) -> Iterator[None]:
    """Write everything in the block or nothing; raise ConflictError where another writer was first.

    ``is_one_statement``: the block writes by one statement alone, which the database commits by itself in autocommit
    mode. Inside the caller's transaction a deadlock is raised as it is: all of that transaction is gone.
    """
    alias = database()
    connection = transaction.get_connection(alias)
    is_outermost = not connection.in_atomic_block
    commits_itself = is_one_statement and is_outermost and connection.get_autocommit()
    try:
        with nullcontext() if commits_itself else transaction.atomic(using=alias):
            yield
    except IntegrityError as error:
        raise ConflictError from error
    except OperationalError as error:
        if is_outermost and _is_deadlock(error):
            raise ConflictError from error
        raise


@contextmanager
def unavailable_if_locked(undo: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Call ``undo`` where the database did not get a lock in time, and raise UnavailableError.

    For a block that books nothing. Inside the caller's transaction the error is raised as it is: the database has
    broken that transaction.
    """
    is_outermost = transaction.get_autocommit(using=database())
    try:
        yield
    except OperationalError as error:
        if not _is_lock_timeout(error):
            raise
        undo()
        if not is_outermost:
            raise
        raise UnavailableError(
            "The database is locked by another session. No money moved; please try again later.",
            code="database_locked",
        ) from error


def _is_deadlock(error: OperationalError) -> bool:
    cause = error.__cause__
    return (
        getattr(cause, "sqlstate", None) in DEADLOCK_SQLSTATES or _mysql_code(cause) in DEADLOCK_MYSQL_CODES
    )


def _is_lock_timeout(error: OperationalError) -> bool:
    cause = error.__cause__
    sqlite_code = getattr(cause, "sqlite_errorcode", None) or 0
    return (
        getattr(cause, "sqlstate", None) in LOCK_SQLSTATES
        # the low byte: SQLite's extended codes say in the others why it is locked
        or sqlite_code & 0xFF in LOCK_SQLITE_CODES
        or _mysql_code(cause) in LOCK_MYSQL_CODES
    )


def _mysql_code(cause: BaseException | None) -> int | None:
    """Return the number of an error of MySQL or MariaDB: the first argument that mysqlclient gives, a whole number."""
    first = cause.args[0] if cause is not None and cause.args else None
    return first if isinstance(first, int) else None


def database() -> str:
    """Return the alias of the database that payments and operations are written to."""
    return router.db_for_write(VoucherOperation)


def in_transaction() -> bool:
    """Return whether the caller has a transaction open. Raises TransactionManagementError without autocommit."""
    connection = transaction.get_connection(database())
    if not connection.in_atomic_block and not connection.get_autocommit():
        raise TransactionManagementError(
            "Money moves only in autocommit mode or inside of atomic(). Nothing was sent."
        )
    return bool(connection.in_atomic_block)


def non_atomic(view: View) -> View:
    """Turn a view into one that ``ATOMIC_REQUESTS`` wraps into no transaction: neither of the database that payments
    are written to, nor of the default one."""
    for alias in {DEFAULT_DB_ALIAS, database()}:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def refuse_open_transaction() -> None:
    """Raise TransactionManagementError inside ``atomic()``: nothing could be committed before it is sent."""
    try:
        with transaction.atomic(using=database(), durable=True):
            pass
    except RuntimeError:
        raise TransactionManagementError("Call this outside of a transaction. Nothing was sent.") from None
