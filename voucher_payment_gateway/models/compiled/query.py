"""A query that is composed once."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from voucher_payment_gateway.models.compiled.kinds import Kind, kept_with, kind_of

__all__ = ["CompiledQuery"]


class _Statement(NamedTuple):
    sql: str
    params: Sequence[Any]
    compiler: Any


class CompiledQuery:
    """A query of one model that is run with other values each time.

    ``build`` is called once per database with a text in place of each value, and returns the queryset; the values are
    texts that stand in its parameters as they are. Values of any other kind belong into ``build`` itself.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], count: int = 1) -> None:
        self._build = build
        self._marks = [f"value {position} of {id(self)}" for position in range(count)]
        self._statements: dict[Kind, _Statement] = {}

    def rows(self, alias: str, *values: str) -> list[Any]:
        """Return the rows of one run in this database, as the queryset would."""
        connection = connections[alias]
        statement = self._statement(connection)
        found = _fetch(connection, statement, self._params(statement, values))
        return list(self._reader(connection, statement).instances(found)) if found else []

    def has_rows(self, alias: str, *values: str) -> bool:
        """Return whether there is one. The queryset should ask for one row alone, and for no column of it."""
        connection = connections[alias]
        statement = self._statement(connection)
        return bool(_fetch(connection, statement, self._params(statement, values)))

    def _statement(self, connection: BaseDatabaseWrapper) -> _Statement:
        kind = kind_of(connection)
        return self._statements.get(kind) or self._compose(kind, connection)

    def _compose(self, kind: Kind, connection: BaseDatabaseWrapper) -> _Statement:
        queryset = self._build(*self._marks).using(connection.alias)
        compiler = queryset.query.get_compiler(connection.alias)
        sql, params = compiler.as_sql()
        compiler.connection = None  # it is of this thread, and the statement is kept for all
        statement = self._statements[kind] = _Statement(sql, params, compiler)
        return statement

    def _params(self, statement: _Statement, values: Sequence[str]) -> list[Any]:
        given = dict(zip(self._marks, values, strict=True))
        return [given.get(each, each) if isinstance(each, str) else each for each in statement.params]

    def _reader(self, connection: BaseDatabaseWrapper, statement: _Statement) -> "_Reader":
        kept = kept_with(connection)
        reader: _Reader | None = kept.get(self)
        if reader is None:
            reader = kept[self] = _Reader(connection, statement.compiler)
        return reader


def _fetch(connection: BaseDatabaseWrapper, statement: _Statement, params: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, params)
        return list(cursor.fetchall())


class _Reader:
    """Makes instances of the rows of one connection, as ``django.db.models.query.ModelIterable`` makes them."""

    def __init__(self, connection: BaseDatabaseWrapper, compiler: Any) -> None:
        self._compiler = copy.copy(compiler)
        self._compiler.connection = connection
        columns = compiler.klass_info["select_fields"]
        self._fields = slice(columns[0], columns[-1] + 1)
        self._names = [selected[0].target.attname for selected in compiler.select[self._fields]]
        selected = [each[0] for each in compiler.select[: compiler.col_count]]
        self._converters = self._compiler.get_converters(selected)

    def instances(self, found: list[Any]) -> Iterator[Any]:
        compiler, alias = self._compiler, self._compiler.connection.alias
        for row in compiler.apply_converters(found, self._converters):
            instance = compiler.klass_info["model"].from_db(alias, self._names, row[self._fields])
            for name, position in compiler.annotation_col_map.items():
                setattr(instance, name, row[position])
            yield instance
