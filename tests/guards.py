"""A unique constraint with a condition, taken away for a test."""

from contextlib import contextmanager

from django.db import connection
from django.db.models import UniqueConstraint

__all__ = ["without_guard"]


@contextmanager
def without_guard(model, name):
    """Let the database do without the constraint, on MySQL and MariaDB without the index that stands for it."""
    (constraint,) = (each for each in model._meta.constraints if each.name == name)
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, _stored(constraint))
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            if connection.vendor == "mysql":
                quote = connection.ops.quote_name
                columns = [model._meta.get_field(field).column for field in constraint.fields]
                listed = ", ".join(quote(column) for column in (*columns, f"{name}_guard"))
                editor.execute(f"ALTER TABLE {quote(model._meta.db_table)} ADD UNIQUE {name} ({listed})")
            else:
                editor.add_constraint(model, constraint)


def _stored(constraint):
    """Return the constraint as the database has it: that of MySQL has no condition."""
    return (
        UniqueConstraint(fields=constraint.fields, name=constraint.name)
        if connection.vendor == "mysql"
        else constraint
    )
