"""The column of reservation ids on the order: the database appends to it, an ordinary ``save()`` does not change it.

The migrations of shops name this module: it keeps its place.
"""

import json
from typing import Any

from django.db import models
from django.db.models import F, Func, Value
from django.db.models.signals import post_save
from django.db.models.sql.compiler import SQLCompiler

__all__ = ["JSONAppend", "ReservationIdsField"]

JSON: "models.JSONField[Any, Any]" = models.JSONField()
"""What an appended list is to the ORM; made once, since it takes longer than the rest."""


class JSONAppend(Func):
    """Append a value to the JSON list in a column, within one statement: concurrent writers lose nothing."""

    def __init__(self, column: str, value: object) -> None:
        self.parameter = json.dumps(value)
        """The one parameter of the statement."""
        super().__init__(F(column), Value(self.parameter), output_field=JSON)

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> Any:
        return super().as_sql(
            compiler,
            connection,
            template="JSON_INSERT(%(expressions)s))",
            arg_joiner=", '$[#]', JSON(",
            **context,
        )

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> Any:
        return super().as_sql(
            compiler, connection, template="%(expressions)s::jsonb", arg_joiner=" || ", **context
        )

    def as_mysql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> Any:
        # MariaDB has no CAST to JSON: both take what JSON_EXTRACT returns as JSON, not as text
        return super().as_sql(
            compiler,
            connection,
            template="JSON_ARRAY_APPEND(%(expressions)s, '$'))",
            arg_joiner=", '$', JSON_EXTRACT(",
            **context,
        )


class StoredIds(list[Any]):
    """The ids of a row in the database. They belong to that row: a copy of the order does not take them along."""


class ReservationIdsField(models.JSONField):
    """A list of ids that only the gateway writes.

    A shop loads its order, the gateway appends an id meanwhile, the shop saves its order: a plain column
    would lose the id. Here an update sets the column to itself; an insert writes the value, unless it is that of
    another row (``order.pk = None; order.save()`` copies an order).
    """

    def from_db_value(self, value: Any, *read: Any) -> Any:
        ids = super().from_db_value(value, *read)
        return StoredIds(ids) if isinstance(ids, list) else ids

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        given = super().pre_save(model_instance, add)
        if not add:
            return F(self.attname)
        return [] if isinstance(given, StoredIds) else given

    def contribute_to_class(self, cls: type[models.Model], name: str, *rest: Any, **options: Any) -> None:
        super().contribute_to_class(cls, name, *rest, **options)
        post_save.connect(self._mark_as_stored, sender=cls)

    def _mark_as_stored(self, instance: models.Model, created: bool = False, **_: object) -> None:
        """After the save, not in ``pre_save``: Django may call that more than once."""
        if isinstance(ids := instance.__dict__.get(self.attname), list):
            copied = [] if isinstance(ids, StoredIds) and created else ids
            setattr(instance, self.attname, StoredIds(copied))
