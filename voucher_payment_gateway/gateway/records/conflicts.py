"""Optimistic locking: how concurrent writers are detected."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import IntegrityError, OperationalError, router, transaction
from django.db.transaction import TransactionManagementError

from voucher_payment_gateway.exceptions import (
    OperationInProgressError,
)
from voucher_payment_gateway.models import VoucherOperation

__all__ = [
    "MAX_CONFLICTS",
    "ConflictError",
    "atomic_or_conflict",
    "database",
    "in_transaction",
    "refuse_open_transaction",
    "retry_on_conflict",
]

Decided = TypeVar("Decided")


DEADLOCK_SQLSTATES = ("40P01", "40001")
"""SQLSTATE of PostgreSQL: this transaction was undone for another one, by a deadlock or a conflict of versions."""


MAX_CONFLICTS = 12
"""So often a decision is made anew before the other side is said to be in progress."""


class ConflictError(Exception):
    """Somebody else wrote about this order or voucher meanwhile; nothing of ours was written."""


def retry_on_conflict(decision: Callable[[], Decided], *, progress: Callable[[], int] = lambda: 0) -> Decided:
    """Make a decision, anew as long as it was outdated when it was to be written.

    ``progress`` counts what was done on the way: only decisions that bring nothing on are counted.

    Raises OperationInProgressError when others keep being first, or hold the voucher open.
    """
    in_vain, done = 0, progress()
    while in_vain < MAX_CONFLICTS:
        try:
            return decision()
        except ConflictError:
            in_vain, done = (in_vain + 1, done) if progress() == done else (0, progress())
    raise OperationInProgressError


@contextmanager
def atomic_or_conflict() -> Iterator[None]:
    """Write all within or nothing; raise OutdatedError where another writer was first.

    Inside of the caller's transaction a deadlock is the caller's: all of that transaction is gone.
    """
    is_outermost = not transaction.get_connection(database()).in_atomic_block
    try:
        with transaction.atomic(using=database()):
            yield
    except IntegrityError as error:
        raise ConflictError from error
    except OperationalError as error:
        if is_outermost and getattr(error.__cause__, "sqlstate", None) in DEADLOCK_SQLSTATES:
            raise ConflictError from error
        raise


def database() -> str:
    """Return the alias of the database that payments and operations live in."""
    return router.db_for_write(VoucherOperation)


def refuse_open_transaction() -> None:
    """Raise TransactionManagementError inside of ``atomic()``: what is sent there could not be committed first."""
    try:
        with transaction.atomic(using=database(), durable=True):
            pass
    except RuntimeError:
        raise TransactionManagementError("Call this outside of a transaction. Nothing was sent.") from None


def in_transaction() -> bool:
    connection = transaction.get_connection(database())
    if not connection.in_atomic_block and not connection.get_autocommit():
        raise TransactionManagementError(
            "Money moves only in autocommit mode or inside of atomic(). Nothing was sent."
        )
    return bool(connection.in_atomic_block)
