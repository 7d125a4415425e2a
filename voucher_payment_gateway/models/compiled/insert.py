"""An INSERT that is composed once per model and database."""

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_save, pre_save
from django.db.models.sql import InsertQuery

from voucher_payment_gateway.models.compiled.kinds import Kind, kind_of
from voucher_payment_gateway.models.compiled.values import PLAIN, saved, written

__all__ = ["CompiledInsert"]


class _Column(NamedTuple):
    field: Any
    name: str
    is_set: bool
    """Whether the field sets the value itself, such as the time of the insert."""
    default: Any
    saved_default: Any
    """The default as it is saved: most columns of a new row have it."""


class _Statement(NamedTuple):
    sql: str
    columns: Sequence[_Column]
    compiler: Any


class CompiledInsert:
    """Inserts new rows of a model, one by one, as ``save(force_insert=True)`` does."""

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model
        self._statements: dict[Kind, _Statement] = {}

    @property
    def is_listened_to(self) -> bool:
        """Whether receivers are called before or after a row is saved; they may write or raise."""
        return bool(pre_save.has_listeners(self._model) or post_save.has_listeners(self._model))

    def run(self, instance: Any) -> None:
        """Insert the instance. It is saved by the ORM where it has its primary key already, or is listened to."""
        alias = router.db_for_write(self._model, instance=instance)
        connection, returning = connections[alias], self._model._meta.db_returning_fields
        compiler = None
        if instance.pk is None and not self.is_listened_to:
            instance._prepare_related_fields_for_save(operation_name="save")
            compiler = self._compiler(connection, instance)
        if compiler is None:
            instance.save(force_insert=True, using=alias)
            return
        (values,) = written(connection, partial(compiler.execute_sql, returning))
        for field, value in zip(returning, values, strict=True):
            setattr(instance, field.attname, value)
        instance._state.db, instance._state.adding = alias, False

    def _compiler(self, connection: BaseDatabaseWrapper, instance: Any) -> Any:
        """Return the ORM's own compiler, with the statement that is kept in place of the one that it would compose;
        None where a value is none that can be a parameter."""
        kept = self._kept(connection)
        values = [
            column.field.pre_save(instance, add=True) if column.is_set else getattr(instance, column.name)
            for column in kept.columns
        ]
        if not PLAIN.issuperset(map(type, values)):
            return None
        params = tuple(
            [
                column.saved_default if value is column.default else saved(column.field, value, connection)
                for column, value in zip(kept.columns, values, strict=True)
            ]
        )
        compiler = copy.copy(kept.compiler)
        compiler.connection, compiler.as_sql = connection, lambda: [(kept.sql, params)]
        return compiler

    def _kept(self, connection: BaseDatabaseWrapper) -> _Statement:
        kind = kind_of(connection)
        return self._statements.get(kind) or self._compose(kind, connection)

    def _compose(self, kind: Kind, connection: BaseDatabaseWrapper) -> _Statement:
        meta = self._model._meta
        fields = [field for field in meta.local_concrete_fields if field is not meta.auto_field]
        query = InsertQuery(self._model)
        query.insert_values(fields, [self._model()], raw=True)
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = meta.db_returning_fields
        ((sql, _),) = compiler.as_sql()
        compiler.connection = None  # it is of this thread, and the statement is kept for all
        columns = [_column(field, connection) for field in fields]
        statement = self._statements[kind] = _Statement(sql, columns, compiler)
        return statement


def _column(field: Any, connection: BaseDatabaseWrapper) -> _Column:
    default = None if field.default is models.NOT_PROVIDED or callable(field.default) else field.default
    is_date = isinstance(field, models.DateField)
    is_set = field.auto_now or field.auto_now_add if is_date else _sets_itself(field)
    saved_default = field.get_db_prep_save(default, connection)
    return _Column(field, field.attname, is_set, default, saved_default)


def _sets_itself(field: Any) -> bool:
    return type(field).pre_save is not models.Field.pre_save
