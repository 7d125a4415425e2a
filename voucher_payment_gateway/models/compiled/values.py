"""Values as the ORM gives them to the database, and a write as the ORM runs it."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["PLAIN", "is_text", "saved", "written"]

Returned = TypeVar("Returned")

PLAIN = frozenset({NoneType, str, bool, int, Decimal, date, datetime, UUID, list, dict})
"""Values of these types are parameters. Others may be expressions, which the database evaluates, or rows."""


def is_text(field: Any) -> bool:
    """Return whether the field stores a text as it is: exactly Django's own fields do."""
    return type(field) in (models.CharField, models.TextField)


def saved(field: Any, value: Any, connection: BaseDatabaseWrapper) -> Any:
    """Return the value as ``field`` saves it."""
    if value is None or (type(value) is str and is_text(field)):
        return value  # most are: not worth the four calls that end the same
    return field.get_db_prep_save(value, connection)


def written(connection: BaseDatabaseWrapper, write: Callable[[], Returned]) -> Returned:
    """Return what ``write`` returns. Where it fails, the transaction is broken, as after ``save()`` and ``update()``
    (``transaction.mark_for_rollback_on_error``)."""
    try:
        return write()
    except Exception as error:
        if connection.in_atomic_block:
            connection.needs_rollback = True
            connection.rollback_exc = error  # type: ignore[attr-defined]
        raise
