"""What MySQL and MariaDB need in place of what they do not have: exact comparison of text, and guards.

Their usual collations take ``a-1`` for ``A-1`` and for ``a-1 ``: two orders would be one. And they have no unique
constraint with a condition. Its guard is a column that the database computes itself: 1 in the rows that meet the
condition, NULL in all others. NULLs are distinct, so a unique index of the fields and the guard refuses exactly what
the constraint refuses.
"""

from collections.abc import Iterator
from typing import Any

from django.db.migrations.operations.base import Operation
from django.db.models import Case, GeneratedField, SmallIntegerField, UniqueConstraint, Value, When

__all__ = ["REPLACED_WARNINGS", "PrepareMySQL", "collation", "conditional_constraints", "inexact_columns"]

REPLACED_WARNINGS = ("models.W036", "models.W037")
"""Warnings of Django: no unique constraints with conditions, which have a guard; and indexes that leave their
conditions out, which are larger and find the same rows."""

TEXT_COLUMNS = """
    SELECT column_name FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = %s AND collation_name <> %s
    AND NOT (data_type = 'longtext' AND collation_name = 'utf8mb4_bin')
"""
"""Columns of text with another collation, but for JSON, which MariaDB stores as text of its own."""


def conditional_constraints(model: Any) -> Iterator[UniqueConstraint]:
    """Yield the unique constraints of a model that hold for some of its rows only."""
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint) and constraint.condition is not None:
            yield constraint


def collation(connection: Any) -> str:
    """Return the collation that tells apart all that is not the same byte by byte, also blanks at the end."""
    return "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"


def inexact_columns(connection: Any, table: str) -> list[str]:
    """Return the columns of a table whose text is compared in another way."""
    with connection.cursor() as cursor:
        cursor.execute(TEXT_COLUMNS, [table, collation(connection)])
        return [name for (name,) in cursor.fetchall()]


class PrepareMySQL(Operation):
    """On MySQL and MariaDB, compare the text of a table exactly, and guard its conditional unique constraints.

    Does nothing elsewhere, nor what is done already: these databases commit each step of a migration that fails
    later. A migration that makes a model, or adds such a constraint to one, ends with this operation.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, name: str) -> None:
        self.name = name

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        if schema_editor.connection.vendor != "mysql" or not self.allow_migrate_model(
            schema_editor.connection.alias, model
        ):
            return
        _compare_exactly(schema_editor, model._meta.db_table)
        found = _constraint_names(schema_editor.connection, model)
        for constraint in conditional_constraints(model):
            if constraint.name not in found:
                _Guard(app_label, self.name, constraint).add(schema_editor, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.name)
        if schema_editor.connection.vendor != "mysql" or not self.allow_migrate_model(
            schema_editor.connection.alias, model
        ):
            return
        found = _constraint_names(schema_editor.connection, model)
        for constraint in conditional_constraints(model):
            if constraint.name in found:
                _Guard(app_label, self.name, constraint).remove(schema_editor, from_state)

    def describe(self) -> str:
        return f"Guard the rows of {self.name} on MySQL and MariaDB"


class _Guard:
    """The column and the unique index that stand for one constraint. The models know nothing of them."""

    def __init__(self, app_label: str, name: str, constraint: UniqueConstraint) -> None:
        self._app_label, self._name = app_label, name
        self._column = f"{constraint.name}_guard"
        is_guarded = Case(When(constraint.condition, then=Value(1)), output_field=SmallIntegerField())
        self._field = GeneratedField(
            expression=is_guarded, output_field=SmallIntegerField(null=True), db_persist=True
        )
        self._index = UniqueConstraint(fields=(*constraint.fields, self._column), name=constraint.name)

    def add(self, schema_editor: Any, state: Any) -> None:
        model = self._model(state)
        if schema_editor.collect_sql or not self._is_there(schema_editor.connection, model):
            schema_editor.add_field(model, model._meta.get_field(self._column))
        schema_editor.add_constraint(model, self._index)

    def remove(self, schema_editor: Any, state: Any) -> None:
        model = self._model(state)
        schema_editor.remove_constraint(model, self._index)
        schema_editor.remove_field(model, model._meta.get_field(self._column))

    def _is_there(self, connection: Any, model: Any) -> bool:
        with connection.cursor() as cursor:
            columns = connection.introspection.get_table_description(cursor, model._meta.db_table)
        return self._column in {column.name for column in columns}

    def _model(self, state: Any) -> Any:
        with_column = state.clone()
        with_column.add_field(self._app_label, self._name.lower(), self._column, self._field, True)
        return with_column.apps.get_model(self._app_label, self._name)


def _compare_exactly(schema_editor: Any, table: str) -> None:
    connection = schema_editor.connection
    if schema_editor.collect_sql or inexact_columns(connection, table):
        quoted, exact = connection.ops.quote_name(table), collation(connection)
        schema_editor.execute(f"ALTER TABLE {quoted} CONVERT TO CHARACTER SET utf8mb4 COLLATE {exact}")


def _constraint_names(connection: Any, model: Any) -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, model._meta.db_table))
