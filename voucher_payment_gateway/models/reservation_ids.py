"""The order's column of reservation ids: appended to in the database, untouched by an ordinary ``save()``."""

import json
from typing import Any

from django.db import models
from django.db.models import F, Func, Value
from django.db.models.sql.compiler import SQLCompiler

__all__ = ["JSONAppend", "ReservationIdsField"]


class JSONAppend(Func):
    """Append one value to the JSON list of a column within the statement, so that no writer loses another's."""

    def __init__(self, column: str, value: object) -> None:
        super().__init__(F(column), Value(json.dumps(value)), output_field=models.JSONField())

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


class ReservationIdsField(models.JSONField):
    """A list of ids that only the gateway writes.

    A shop loads its order, the gateway notes a reservation meanwhile, the shop saves its order: a plain
    column would lose the note. Here an update sets the column to itself, an insert writes the value.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return super().pre_save(model_instance, add) if add else F(self.attname)
