"""Values as the ORM gives them to the database, and a write as the ORM runs it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["PLAIN", "is_prepared", "saved", "written"]

Returned = TypeVar("Returned")

PLAIN = frozenset({NoneType, str, bool, int, Decimal, date, datetime, UUID, list, dict})
"""Values of these types are parameters. Others may be expressions, which the database evaluates, or rows."""

OWN_TYPES: dict[type, type] = {
    models.BooleanField: bool,
    models.CharField: str,
    models.DateTimeField: datetime,
    models.DecimalField: Decimal,
    models.PositiveIntegerField: int,
    models.TextField: str,
    models.UUIDField: UUID,
}
"""Django's own fields, none that inherits from them, with the type of which ``get_prep_value`` returns a value as it
is."""


def is_prepared(field: Any, value: Any) -> bool:
    """Return whether ``get_prep_value`` of the field would return the value as it is: most are, and it takes several
    calls to say so."""
    own = type(value)
    return OWN_TYPES.get(type(field)) is own and (own is not datetime or value.tzinfo is UTC)


def saved(field: Any, value: Any, connection: BaseDatabaseWrapper) -> Any:
    """Return the value as ``field`` saves it."""
    if value is None:
        return None
    if is_prepared(field, value):
        return field.get_db_prep_value(value, connection, prepared=True)
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
